internal import CLinux
private import Glibc
internal import Landlock

/// A launch request in the form that the launcher's C code reads.
///
/// One allocation for all strings and lists, at one place until the end: the new process reads them while it shares
/// our memory. Ending it frees them.
@safe
struct LaunchBlock: ~Copyable {
    let launch: UnsafeMutablePointer<swguard_launch>
    private let arena: UnsafeMutableRawPointer
    private let request: LaunchRequest
    /// The paths of the grants, for messages.
    private let ownGrants: [[UInt8]]

    init(_ request: LaunchRequest, signals: TakenSignals?) {
        var layout = Layout()
        let candidates = layout.strings(request.candidates)
        let arguments = layout.strings(request.arguments)
        let environment = layout.strings(request.environment)
        let ownGrants = request.layers.flatMap { layer in layer.ownGrants.map { (layer.descriptor, $0) } }
        let paths = layout.strings(ownGrants.map(\.1.path))
        let grants = layout.reserve(unsafe MemoryLayout<swguard_grant>.stride * ownGrants.count)
        let rulesets = layout.reserve(MemoryLayout<Int32>.stride * request.layers.count)
        let layers = layout.reserve(MemoryLayout<UInt32>.stride * request.agentLayers.count)
        let kept = layout.reserve(MemoryLayout<Int32>.stride * request.keptDescriptors.count)
        let filter = layout.reserve(request.filter?.bytes.count ?? 0)
        let plainFilter = layout.reserve(request.filterWithoutListener?.bytes.count ?? 0)

        let arena = UnsafeMutableRawPointer.allocate(byteCount: layout.size, alignment: 16)
        let launch = UnsafeMutablePointer<swguard_launch>.allocate(capacity: 1)
        unsafe launch.initialize(to: swguard_launch())

        unsafe layout.store(request.candidates, at: candidates, in: arena)
        unsafe layout.store(request.arguments, at: arguments, in: arena)
        unsafe layout.store(request.environment, at: environment, in: arena)
        unsafe layout.store(ownGrants.map(\.1.path), at: paths, in: arena)
        let pathList = unsafe (arena + paths).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
        for (index, grant) in ownGrants.enumerated() {
            let value = unsafe swguard_grant(
                path: pathList[index], access: grant.1.rights.rawValue, ruleset: grant.0, reserved: 0)
            unsafe (arena + grants).storeBytes(
                of: value, toByteOffset: index * MemoryLayout<swguard_grant>.stride, as: swguard_grant.self)
        }
        // The descriptors stay open as long as `request`, which holds the layers.
        unsafe Self.store(request.layers.map(\.descriptor), at: rulesets, in: arena)
        unsafe Self.store(request.keptDescriptors.sorted(), at: kept, in: arena)
        unsafe Self.store(request.agentLayers.map { CInt(bitPattern: $0) }, at: layers, in: arena)

        unsafe launch.pointee.candidates = UnsafePointer(
            (arena + candidates).assumingMemoryBound(to: UnsafePointer<CChar>?.self))
        unsafe launch.pointee.arguments = UnsafePointer(
            (arena + arguments).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self))
        unsafe launch.pointee.environment = UnsafePointer(
            (arena + environment).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self))
        unsafe launch.pointee.rulesets = UnsafePointer((arena + rulesets).assumingMemoryBound(to: Int32.self))
        unsafe launch.pointee.ruleset_count = request.layers.count
        unsafe launch.pointee.grants = UnsafePointer(
            (arena + grants).assumingMemoryBound(to: swguard_grant.self))
        unsafe launch.pointee.grant_count = ownGrants.count
        unsafe launch.pointee.kept_descriptors = UnsafePointer(
            (arena + kept).assumingMemoryBound(to: Int32.self))
        unsafe launch.pointee.kept_count = request.keptDescriptors.count
        unsafe launch.pointee.layers = UnsafePointer((arena + layers).assumingMemoryBound(to: UInt32.self))
        unsafe launch.pointee.layer_count = request.agentLayers.count
        unsafe launch.pointee.session = request.session
        unsafe launch.pointee.filter = Self.store(request.filter, at: filter, in: arena)
        unsafe launch.pointee.filter_without_listener = Self.store(
            request.filterWithoutListener, at: plainFilter, in: arena)
        unsafe launch.pointee.drops_capabilities = request.keptCapabilities == nil ? 0 : 1
        unsafe launch.pointee.kept_capabilities = request.keptCapabilities ?? .max
        let isSearch = request.candidates != Array(request.arguments.prefix(1))
        unsafe launch.pointee.is_search = isSearch ? 1 : 0
        if let signals {
            unsafe launch.pointee.restores_signals = 1
            unsafe launch.pointee.signal_mask = signals.mask
            unsafe launch.pointee.ignored_signals = signals.ignored
        }
        unsafe self.arena = arena
        unsafe self.launch = launch
        self.request = request
        self.ownGrants = ownGrants.map(\.1.path)
    }

    deinit {
        unsafe launch.deallocate()
        unsafe arena.deallocate()
    }

    /// Whether the command has not been executed yet and its process still shares our memory.
    var isStarting: Bool { unsafe swguard_is_starting(launch) != 0 }

    /// What failed, if something did.
    var failure: LaunchFailure? {
        let index = unsafe Int(launch.pointee.failed_index)
        let step: LaunchFailure.Step? =
            switch unsafe swguard_step(rawValue: launch.pointee.step) {
            case SWGUARD_STEP_NONE: nil
            case SWGUARD_STEP_CLONE: .process
            case SWGUARD_STEP_DEATH_SIGNAL: .deathSignal
            case SWGUARD_STEP_SIGNALS: .signals
            case SWGUARD_STEP_CAPABILITIES: .capabilities
            case SWGUARD_STEP_NO_NEW_PRIVS: .noNewPrivileges
            case SWGUARD_STEP_GRANT:
                .grant(path: ownGrants.indices.contains(index) ? ownGrants[index] : [])
            case SWGUARD_STEP_LANDLOCK: .landlock(layer: index)
            case SWGUARD_STEP_DESCRIPTORS: .descriptors
            case SWGUARD_STEP_SECCOMP: .seccomp
            case SWGUARD_STEP_LAYER: .agentLayer(index)
            default:
                .execute(path: request.candidates.indices.contains(index) ? request.candidates[index] : [])
            }
        guard let step else { return nil }
        var failure = LaunchFailure(step, code: unsafe launch.pointee.error)
        if case .execute = step, failure.code == ENOENT {
            failure.lacksInterpreter = request.candidates.contains(where: CommandLookup.isThere)
        }
        return failure
    }

    /// Where things go in the arena.
    private struct Layout {
        private(set) var size = 0

        /// Room for `count` bytes; gives its offset, fit for any C type.
        mutating func reserve(_ count: Int) -> Int {
            let offset = size
            size += (count + 15) & ~15
            return offset
        }

        /// Room for a list of pointers that ends with NULL, and behind it the strings.
        mutating func strings(_ strings: [[UInt8]]) -> Int {
            let pointers = (strings.count + 1) * MemoryLayout<Int>.stride
            return reserve(pointers + strings.reduce(0) { $0 + $1.count + 1 })
        }

        @unsafe func store(_ strings: [[UInt8]], at offset: Int, in arena: UnsafeMutableRawPointer) {
            let list = unsafe (arena + offset).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
            var end = unsafe arena + offset + (strings.count + 1) * MemoryLayout<Int>.stride
            for (index, string) in strings.enumerated() {
                unsafe list[index] = end
                unsafe string.withUnsafeBytes { bytes in
                    if let base = bytes.baseAddress {
                        unsafe end.copyMemory(from: base, byteCount: bytes.count)
                    }
                }
                unsafe end.storeBytes(of: 0, toByteOffset: string.count, as: UInt8.self)
                unsafe end += string.count + 1
            }
            unsafe list[strings.count] = nil
        }
    }

    private static func store(_ numbers: [CInt], at offset: Int, in arena: UnsafeMutableRawPointer) {
        for (index, number) in numbers.enumerated() {
            unsafe arena.storeBytes(of: number, toByteOffset: offset + index * 4, as: Int32.self)
        }
    }

    private static func store(
        _ program: SeccompFilter?, at offset: Int, in arena: UnsafeMutableRawPointer
    ) -> swguard_program {
        guard let program else { return unsafe swguard_program() }
        unsafe program.bytes.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: arena + offset, count: bytes.count).copyMemory(
                from: bytes)
        }
        // The kernel refuses more than 4,096 instructions (BPF_MAXINSNS): a count that does not fit ends there too.
        let count = UInt16(clamping: program.bytes.count / 8)
        return unsafe swguard_program(
            instructions: UnsafeRawPointer(arena + offset), count: count, reserved0: 0, flags: program.flags)
    }
}
