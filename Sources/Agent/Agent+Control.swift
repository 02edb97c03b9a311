internal import AuditLog
internal import BPF
internal import Compiler
internal import Control
private import Glibc
internal import Policy

/// What the agent says to whoever asks over its socket.
extension Agent {
    mutating func answer(_ request: ControlRequest, from peer: ControlPeer) -> ControlAnswer {
        switch request {
        // It is answered apart: the client stays.
        case .confine: return .unknownPolicies
        case .load where isSealed, .unload where isSealed, .reload where isSealed, .rollback where isSealed:
            return Self.sealedAnswer
        case .load(let files): return load(files, by: peer)
        case .unload(let names): return unload(names, by: peer)
        case .reload: return reload(by: peer)
        case .rollback: return rollBack(by: peer)
        case .status: return .status(status)
        case .policies: return .policies(generation: generation, policies)
        case .processes:
            do throws(KernelError) {
                return .processes(generation: generation, try processes())
            } catch {
                return .failed(error.description)
            }
        }
    }

    var generation: Int { Int(enforcement.generation) }

    /// What `status` and `policies` tell.
    var report: (AgentStatus, [PolicyStatus]) { (status, policies.filter { $0.owner == nil }) }

    private var status: AgentStatus {
        // The host's own; the figures are of all.
        let policies = policies.filter { $0.owner == nil }
        var counts = EventCounts()
        for slot in countsBySlot().values { counts += slot }
        return AgentStatus(
            version: context.version, pid: Int(getpid()), since: since.text, generation: generation,
            changed: changed.text,
            extent: policies.isEmpty
                ? .none : .combined(policies.map(\.extent) + (missingPrograms.isEmpty ? [] : [.partial])),
            policies: policies.count, refused: refused, unwritten: Int(clamping: writer.lost),
            counts: counts, kernel: Self.kernelRelease, facts: facts)
    }

    private var policies: [PolicyStatus] {
        let counts = countsBySlot()
        return (enforcement.arena.generations.last?.legends ?? []).enumerated().compactMap { slot, policy in
            guard let policy else { return nil }
            return PolicyStatus(
                name: policy.name, file: AuditText(policy.file, limit: 4096).string,
                complains: policy.mode == .complain, digest: policy.digest ?? "",
                owner: policy.run.map { Int($0.owner) }, sections: Self.sections(of: policy),
                counts: counts[slot] ?? EventCounts())
        }
    }

    /// How many gaps of a section are told: a policy has one for each of some of its rules.
    private static let gapLimit = 32

    private static func sections(of policy: PolicyLegend) -> [PolicyStatus.Section] {
        policy.sections.map { section in
            var gaps = section.gaps.prefix(gapLimit).map { AuditText($0, limit: 1024).string }
            if section.gaps.count > gapLimit { gaps.append("\(section.gaps.count - gapLimit) more") }
            return PolicyStatus.Section(
                name: section.name, extent: EnforcedExtent(rawValue: section.extent.rawValue) ?? .none,
                gaps: gaps)
        }
    }

    /// What was found out about this kernel, and said when the agent began.
    private var facts: [KernelFact] {
        var facts = [
            KernelFact(name: "bpf-lsm", text: "the programs run: a denial was provoked at start, and seen")
        ]
        if build.hasBusyStorage {
            facts.append(KernelFact(name: "busy-storage", text: Self.busyStorage))
        }
        if isSealed { facts.append(KernelFact(name: "sealed", text: Self.sealedText)) }
        if !missingPrograms.isEmpty {
            facts.append(KernelFact(name: "degraded", text: "\(missingText); a new start attaches them"))
        }
        for hook in enforcement.missing {
            facts.append(KernelFact(name: "missing-hook", text: "this kernel has no hook \(hook)"))
        }
        return facts
    }

    private static var kernelRelease: String {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return "" }
        return unsafe withUnsafeBytes(of: &names.release) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The processes that a policy in force confines, by the kernel's own list.
    private func processes() throws(KernelError) -> [ConfinedProcess] {
        let generation = enforcement.arena.generations.last
        let users = Users.names()
        var found: [ConfinedProcess] = []
        var known: (number: ConfinedTask.Number, identity: ProcessIdentity)?
        for task in try enforcement.confinedTasks(
            hasBusyStorage: build.hasBusyStorage)
        {
            // What no generation has any more confines nobody.
            let names = task.layers.compactMap { layer in
                let slot = KernelRun.slot(of: layer)
                if KernelRun.isRun(layer) {
                    return runs.layers[layer]?.legend.listedName ?? RunLayers.goneName
                }
                return enforcement.arena.isKnown
                    ? generation?.policy(inSlot: slot)?.name : slots.name(of: slot)
            }
            if names.isEmpty { continue }
            // Threads come together: those that are under the same policies are one entry.
            let start = Int(clamping: task.start)
            let entries = found.indices.reversed().prefix { found[$0].pid == Int(task.process) }
            if let same = entries.first(where: { found[$0].policies == names && found[$0].start == start }) {
                found[same].threads += 1
                continue
            }
            let number = ConfinedTask.Number(thread: task.process, start: task.start)
            let identity = known?.number == number ? known?.identity : Self.identity(of: task)
            known = identity.map { (number, $0) }
            func text(_ bytes: [UInt8]) -> String { AuditText(bytes, limit: 4096).string }
            found.append(
                ConfinedProcess(
                    pid: Int(task.process), start: start, threads: 1, comm: text(task.command),
                    exe: identity?.exe.map(text), uid: Int(task.user), user: users[task.user],
                    cgroup: identity?.cgroup.map(text), container: identity?.container.map(text),
                    policies: names))
        }
        return found
    }

    /// What /proc says of the process, if it is the same still.
    private static func identity(of task: ConfinedTask) -> ProcessIdentity? {
        let identity = ProcessIdentity.read(tid: Int32(bitPattern: task.process))
        // /proc counts in hundredths of a second.
        guard let start = identity.start, start / 10_000_000 == task.start / 10_000_000 else { return nil }
        return identity
    }
}
