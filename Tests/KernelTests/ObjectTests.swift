import BPF
import CSwguardBPF
import Glibc
import Testing

struct KernelErrorTests {
    @Test func `the verifier's last useful line is the detail`() {
        let log = """
            libbpf: prog 'swguard_file_open': BPF program load failed: Permission denied
            libbpf: prog 'swguard_file_open': -- BEGIN PROG LOAD LOG --
            0: R1=ctx(off=0,imm=0) R10=fp0
            1: (79) r1 = *(u64 *)(r1 +0)
            R1 invalid mem access 'scalar'
            processed 2 insns (limit 1000000) max_states_per_insn 0
            -- END PROG LOAD LOG --
            libbpf: failed to load object 'swguard'
            """
        let error = KernelError(operation: "load the BPF programs of 'swguard'", code: EACCES, log: log)
        #expect(
            error.description
                == "cannot load the BPF programs of 'swguard': Permission denied (R1 invalid mem access 'scalar')"
        )
    }

    @Test func `without a log there is no detail`() {
        #expect(
            KernelError(operation: "attach 'x'", code: EBUSY).description
                == "cannot attach 'x': Device or resource busy")
    }
}

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

    @Test func `a load that the kernel refuses says what it refused`() throws {
        var open = try OpenObject.swguard()
        try open.setCapacity(0, map: "tables")
        do throws(KernelError) {
            _ = try open.load()
            Issue.record("it was loaded")
        } catch {
            #expect(error.code == EINVAL)
            #expect(error.description.contains("map 'tables': failed to create"))
        }
    }

    @Test func `the verifier's cost is known`() throws {
        let object = try OpenObject.swguard().load()
        #expect(try object.verifiedInstructions(of: "swguard_file_open") > 1)
    }
}
