import Policy
import Seccomp
import Testing

@testable import Compiler

@Suite struct PlanListingTests {
    private static func plan(_ filter: FilterProgram) -> Plan {
        var recipe = LandlockRecipe()
        recipe.grants = [
            .init(
                path: Array("/a\u{1b}[2J\u{202e}".utf8), rights: [], isSubtree: true, origin: 0,
                hasOtherSpelling: false)
        ]
        recipe.origins = [.init(section: "files", subject: "", location: nil)]
        return Plan(
            layers: [
                Plan.Layer(
                    name: "web\u{1b}]0;x\u{7}", file: "x\npolicy forged (y)", hash: [], mode: .enforce,
                    recipe: recipe)
            ], filter: filter, filterWithoutListener: nil, keptCapabilities: .max, coverage: [],
            decisions: [])
    }

    @Test func `nothing of a plan reaches a terminal raw, or makes lines of its own`() {
        let lines = Self.plan(FilterProgram([])).listing
        #expect(
            lines.prefix(3) == [
                #"policy web\x1b]0;x\x07 (x\x0apolicy forged (y)), enforce, sha256:"#,
                "landlock: 1 paths, 0 of /proc/self, 0 walks with 0 denies, 0 ports",
                #"  /a\x1b[2J\u{202e}/** "#,
            ])
        #expect(lines.count == 5 && lines.allSatisfy { DiagnosticFormatter.printable($0) == $0 })
    }

    @Test func `any instructions can be listed`() {
        let codes: [UInt16] = [0x20, 0x05, 0x15, 0x06, 0x54, 0xffff]
        let program = FilterProgram(
            codes.flatMap { code in
                [0, 4, 7, UInt32.max].map {
                    FilterProgram.Instruction(code: code, whenTrue: 255, whenFalse: 0, constant: $0)
                }
            })
        #expect(Self.plan(program).listing.count == 5 + program.instructions.count)
    }
}
