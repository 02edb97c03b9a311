import BPF
import CNeighbour
import Foundation

/// Another program in the kernel, which keeps something with every task. Its end detaches it.
final class Neighbour {
    private let links: LinkSet

    /// Whether suites run beside one.
    static var isWanted: Bool { ProcessInfo.processInfo.environment["SWGUARD_BESIDE"] == "1" }

    /// - Parameter reads: whether what reads a file looks its storage up very often, so that it is busy where the kernel
    ///   is preempted.
    init(contending reads: Bool) throws {
        var open = try OpenObject(
            reading: UnsafeRawBufferPointer(
                start: neighbour_bpf_object_address(), count: neighbour_bpf_object_size), named: "neighbour")
        if !reads { try open.setLoaded(false, program: "neighbour_file_permission") }
        let object = try open.load()
        var links = LinkSet()
        for program in object.programs { try links.attach(program, of: object) }
        self.links = links
    }
}
