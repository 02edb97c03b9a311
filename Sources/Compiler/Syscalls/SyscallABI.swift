internal import Policy

/// A way in which a process can make system calls, with a numbering of its own.
public enum SyscallABI: String, CaseIterable, Hashable, Sendable {
    case x86_64
    case i386
    /// 32-bit pointers on x86_64: the same architecture to a filter, told apart by a bit of the number.
    case x32
    case aarch64

    /// What programs of this machine use; the launcher too.
    #if arch(x86_64)
        public static let native = Self.x86_64
    #elseif arch(arm64)
        public static let native = Self.aarch64
    #else
        #error("the numbers and widths of this architecture's system calls are not in the tables")
    #endif

    /// The ABIs that processes on this machine can use, the native one first. 32-bit ARM is none: it has no
    /// table here, and is killed.
    public static let usable: [Self] = native == .x86_64 ? [.x86_64, .x32, .i386] : [.aarch64]

    /// The bit that x32 sets in every number (`__X32_SYSCALL_BIT`, arch/x86/include/uapi/asm/unistd.h).
    public static let x32Bit: UInt32 = 0x4000_0000

    /// The number that is no call: what a tracer leaves to skip one. Has `x32Bit` set, but is not x32's.
    public static let noCall: UInt32 = 0xffff_ffff

    /// What the kernel tells a filter (`AUDIT_ARCH_*` of `include/uapi/linux/audit.h`).
    public var architecture: UInt32 {
        switch self {
        case .x86_64, .x32: 0xc000_003e
        case .i386: 0x4000_0003
        case .aarch64: 0xc000_00b7
        }
    }

    /// The ABI by which a call with this number was made; nil: one that is not in the tables.
    public init?(architecture: UInt32, number: UInt32) {
        switch architecture {
        case 0xc000_003e: self = number & Self.x32Bit != 0 && number != Self.noCall ? .x32 : .x86_64
        case 0x4000_0003: self = .i386
        case 0xc000_00b7: self = .aarch64
        default: return nil
        }
    }

    /// libseccomp's word for it (`SCMP_ARCH_*` of `seccomp.h`).
    var libseccompToken: UInt32 { self == .x32 ? 0x4000_003e : architecture }

    /// Whether every argument is 32 bits wide.
    var isNarrow: Bool { self == .i386 }
}

extension SyscallsSection {
    /// The ABIs that `architectures` lists; the native one unless any is.
    var listedABIs: [SyscallABI] {
        architectures.isEmpty ? [.native] : architectures.compactMap { SyscallABI(rawValue: $0.value) }
    }

    /// Why no filter can be made for `architectures`.
    var architectureFaults: [Located<String>] {
        var faults = architectures.filter { SyscallABI(rawValue: $0.value) == nil }
            .map { Located("unknown ABI '\($0.value)'", at: $0.location) }
        if !listedABIs.contains(.native) {
            let text =
                "the command is started by \(SyscallABI.native.rawValue), which architectures does not list"
            faults.append(Located(text, at: location))
        }
        return faults
    }
}
