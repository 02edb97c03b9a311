internal import Clibbpf
internal import Glibc

/// Programs that are put in the place of a function that several programs of an object have: verified once, not in each.
///
/// A program of the section `part/FUNCTION` takes the place of the global function FUNCTION, in programs of security hooks.
///
/// ## Minimum kernel version
/// 5.10: a program of the type `ext` in several places.
enum Parts {
    static let prefix = "part/"

    /// Tells the kernel what a part is verified for: one of the programs that have the function. They are loaded before it.
    static func prepare(
        _ part: OpaquePointer, of object: OpaquePointer, _ options: UnsafeMutablePointer<bpf_prog_load_opts>
    ) -> CInt {
        guard let type = unsafe type(ofFunctionOf: part, in: object) else { return -ENOENT }
        var program = unsafe bpf_object__next_program(object, nil)
        while let current = unsafe program {
            let descriptor = unsafe bpf_program__fd(current)
            if descriptor >= 0, unsafe isHook(current), functions(of: descriptor).contains(type) {
                unsafe options.pointee.attach_prog_fd = UInt32(descriptor)
                unsafe options.pointee.attach_btf_id = type
                return 0
            }
            unsafe program = bpf_object__next_program(object, current)
        }
        return -ENOENT
    }

    /// The number that the function of a part's section has among the types of its object; nil: the program is no part.
    static func type(ofFunctionOf program: OpaquePointer, in object: OpaquePointer) -> UInt32? {
        guard let section = unsafe bpf_program__section_name(program),
            let types = unsafe bpf_object__btf(object)
        else { return nil }
        let name = unsafe String(cString: section)
        guard name.hasPrefix(prefix) else { return nil }
        let number = unsafe btf__find_by_name_kind(
            types, String(name.dropFirst(prefix.count)), KernelTypes.Kind.function)
        return number > 0 ? UInt32(number) : nil
    }

    static func isHook(_ program: OpaquePointer) -> Bool {
        unsafe bpf_program__type(program) == BPF_PROG_TYPE_LSM
    }

    /// The functions of a program in the kernel, as its object's types number them.
    static func functions(of descriptor: CInt) -> [UInt32] {
        var functions = [bpf_func_info](repeating: bpf_func_info(), count: 64)
        var information = bpf_prog_info()
        information.nr_func_info = UInt32(functions.count)
        information.func_info_rec_size = UInt32(MemoryLayout<bpf_func_info>.size)
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let result = unsafe functions.withUnsafeMutableBufferPointer { buffer in
            information.func_info = UInt64(UInt(bitPattern: buffer.baseAddress))
            return unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        }
        guard result == 0 else { return [] }
        // What there is no room for is not found, and the load fails, or the stub denies.
        return functions.prefix(Int(information.nr_func_info)).map(\.type_id)
    }
}

/// A part and a program that it is put into.
public struct Placement: Sendable {
    public let part: String
    public let program: String
    let function: UInt32

    /// A name that no other placement has, for a pin.
    public var name: String { "\(part)-\(program)" }
}

extension Object {
    /// Where parts belong: all of it must be done before a program is attached, whose stubs answer else.
    public borrowing func placements() throws(KernelError) -> [Placement] {
        var parts: [(name: String, function: UInt32)] = []
        var hooks: [(name: String, descriptor: CInt)] = []
        for name in programs {
            let program = unsafe try self.program(name)
            if let function = unsafe Parts.type(ofFunctionOf: program, in: pointer) {
                parts.append((name, function))
            } else if unsafe Parts.isHook(program) {
                hooks.append((name, unsafe bpf_program__fd(program)))
            }
        }
        var placements: [Placement] = []
        for hook in hooks {
            let functions = Parts.functions(of: hook.descriptor)
            for part in parts where functions.contains(part.function) {
                placements.append(Placement(part: part.name, program: hook.name, function: part.function))
            }
        }
        return placements
    }

    /// Puts a part in its place, until the pin at `path` is removed; then the program's own stub is there again.
    /// Gives the number of the link.
    public borrowing func place(_ placement: Placement, pinnedAt path: String) throws(KernelError) -> UInt32 {
        let part = unsafe bpf_program__fd(try program(placement.part))
        let target = unsafe bpf_program__fd(try program(placement.program))
        var options = unsafe bpf_link_create_opts()
        unsafe options.sz = MemoryLayout<bpf_link_create_opts>.size
        unsafe options.target_btf_id = placement.function
        let link = unsafe bpf_link_create(part, target, bpf_attach_type(0), &options)
        guard link >= 0 else {
            throw KernelError(
                operation: "put '\(placement.part)' into the BPF program '\(placement.program)'", code: -link)
        }
        defer { close(link) }
        let number = try Pin.number(ofLink: link, "'\(placement.part)' in '\(placement.program)'")
        try Pin.make(path, of: link, "'\(placement.part)' in '\(placement.program)'")
        return number
    }
}
