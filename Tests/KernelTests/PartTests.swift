import Clibbpf
import Testing

@testable import BPF

/// Parts are put into the programs of hooks; everywhere else a stub stays, which denies and says nothing.
@Suite(.needsBPFLSM)
struct PartTests {
    @Test func `what is no hook calls no function that a part replaces`() throws {
        let object = try OpenObject.swguard().load()
        let pointer = unsafe object.pointer
        var replaced: Set<UInt32> = []
        for program in object.programs {
            if let function = unsafe Parts.type(ofFunctionOf: try object.program(program), in: pointer) {
                replaced.insert(function)
            }
        }
        #expect(replaced.count == 2)
        var seen = 0
        for program in object.programs {
            let handle = unsafe try object.program(program)
            let functions = unsafe Parts.functions(of: bpf_program__fd(handle))
            #expect(!functions.isEmpty, "\(program)")
            if unsafe Parts.isHook(handle) { continue }
            #expect(replaced.isDisjoint(with: functions), "\(program)")
            seen += 1
        }
        #expect(seen > replaced.count)
    }
}
