internal import AuditLog
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Policy

/// Tasks that have no room for a policy: the kernel denies them what the policy mediates.
extension Agent {
    /// How many processes are named for one policy.
    private static let namedAtMost = 16

    /// Looks which tasks they are, and names their processes.
    mutating func tellRefused() throws(KernelError) {
        let slots = enforcement.arena.generations.last?.legends ?? []
        let tasks = try enforcement.confinedTasks(hasBusyStorage: build.hasBusyStorage).filter {
            !$0.refused.isEmpty
        }
        refused = tasks.count
        for (slot, policy) in slots.enumerated() {
            guard let policy else { continue }
            var processes: [UInt32: String] = [:]
            for task in tasks where task.refused.contains(slot) {
                let name = AuditText(task.command, limit: 16).string
                // Of threads, the one that the process is called by, if it is there.
                if processes[task.process] == nil || task.thread == task.process {
                    processes[task.process] = name
                }
            }
            if processes.isEmpty { continue }
            var named = processes.sorted { $0.key < $1.key }.prefix(Self.namedAtMost).map {
                "\($0.key) (\($0.value))"
            }
            if processes.count > named.count { named.append("\(processes.count - named.count) more") }
            context.log.warning(
                "no room for policy '\(policy.name)', so that all that it mediates is denied: process "
                    + named.joined(separator: ", ") + "; a task has \(SWGUARD_LAYERS_MAX) policies at most")
        }
    }
}
