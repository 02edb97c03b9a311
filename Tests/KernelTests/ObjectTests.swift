import BPF
import CSwguardBPF
import Glibc
import Testing

/// Of these, none needs a kernel that loads anything.
struct OpenObjectTests {
    @Test func `the embedded object has the programs`() throws {
        #expect(try OpenObject.swguard().programs.contains("swguard_file_open"))
    }

    @Test func `bytes that are no object are refused with a reason`() {
        let error = #expect(throws: KernelError.self) {
            _ = try [UInt8](repeating: 1, count: 100).withUnsafeBytes {
                try OpenObject(reading: $0, named: "noise").programs
            }
        }
        #expect(error?.description.hasPrefix("cannot read the BPF object 'noise': ") == true)
        #expect(error?.log.isEmpty == false)
    }

    @Test func `a program that is not there cannot be chosen`() throws {
        var object = try OpenObject.swguard()
        do throws(KernelError) {
            try object.setLoaded(false, program: "none")
            Issue.record("it was chosen")
        } catch {
            #expect(error.code == ENOENT)
        }
    }
}

@Suite(.needsBPFLSM, .serialized)
struct ObjectTests {
    @Test func `a program that is not loaded cannot be attached`() throws {
        var open = try OpenObject.swguard()
        try open.setLoaded(false, program: "swguard_file_open")
        let object = try open.load()
        do throws(KernelError) {
            _ = try Link(attaching: "swguard_file_open", of: object)
            Issue.record("it was attached")
        } catch {
            #expect(error.operation == "attach the BPF program 'swguard_file_open'")
        }
    }
}
