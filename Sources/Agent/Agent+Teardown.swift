internal import AuditLog
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc
internal import Policy

extension Agent {
    /// Takes everything out that is enforced, with the events that nobody has read.
    public static func tearDown(_ context: Context) -> Outcome {
        guard geteuid() == 0 else {
            context.log.error("cannot take out what is enforced: it needs root")
            return .cannot
        }
        if let pins = try? PinDirectory.existing(), let sets = try? pins.contents().sets,
            sets.contains(where: { AgentMaps.seal(of: pins.set($0)) != nil })
        {
            context.log.error("cannot take out what is enforced: \(sealedText)")
            return .cannot
        }
        do throws(ControlError) {
            // While an agent runs, it would go on as if its programs were there.
            let socket = try ControlSocket(path: context.socket)
            return try takeOut(context, socket)
        } catch {
            context.log.error(error.description)
            return .cannot
        }
    }

    private static func takeOut(_ context: Context, _ socket: consuming ControlSocket) throws(ControlError)
        -> Outcome
    {
        let pins: PinDirectory
        let sets: [PinDirectory.SetName]
        do throws(PinError) {
            guard let existing = try PinDirectory.existing() else {
                context.log.info("nothing is enforced")
                return .ended
            }
            pins = existing
            sets = try existing.contents().sets
        } catch {
            context.log.error("cannot take out what is enforced: \(error.text)")
            return .cannot
        }
        let server = try ControlServer(socket, ControlService(version: context.version))
        writeLast(context, server, pins, sets)
        do throws(PinError) {
            try pins.remove()
        } catch {
            context.log.error("cannot take out what is enforced: \(error.text)")
            return .cannot
        }
        StateDirectory().keep(only: [], past: [])
        BootGuard.forget()
        context.log.info("nothing is enforced any more")
        return .ended
    }

    /// Ends what is enforced, as far as it can be read, and writes what it has left.
    private static func writeLast(
        _ context: Context, _ server: consuming ControlServer, _ pins: PinDirectory,
        _ sets: [PinDirectory.SetName]
    ) {
        let state = StateDirectory()
        let places = OwnPlaces(context, .standard)
        guard let last = sets.last else { return }
        guard last.abi == Int(SWGUARD_ABI), let configuration = context.configuration(),
            let build = try? ProgramBuild(isCaching: configuration.isCaching, isSealed: false),
            let shared = try? SharedMaps(pins),
            let enforcement = try? Enforcement(of: last, in: pins, state: state, places),
            var agent = try? Agent(
                context, configuration, enforcement, server, pins: pins, build: build, places: places,
                shared: shared, state: state)
        else {
            return context.log.error("what is in the kernel cannot be read: its last events are not written")
        }
        agent.writeEnd()
        agent.endTrail()
    }

    private mutating func writeEnd() {
        let inForce = (enforcement.arena.generations.last?.legends ?? []).compactMap { $0 }
        past = enforcement.arena.pastRecords.map { ($0.number, $0.policies) }
        noteFormerRuns()
        succeedLedger()
        // At once for every task; what detaching takes its time for decides nothing any more.
        enforcement.release()
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        for policy in inForce where policy.run == nil { writeEnforcement(of: policy, .ended) }
        write(.agent(AgentRecord(state: .stopped, version: context.version, reason: "torn down")))
    }
}
