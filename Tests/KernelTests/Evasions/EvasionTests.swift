import Foundation
import Testing

extension AgentTests {
    /// What a confined program may not do, tried by every way round that is known.
    ///
    /// Each line that begins with `evasion` is for the table of `make evasions`.
    @Suite(.serialized, .onEvasionStage)
    struct EvasionTests {
        @Test(arguments: Evasion.all)
        func `a way round works for others and is denied`(_ evasion: Evasion) throws {
            let stage = try #require(EvasionStage.current)
            let free = try stage.attempt(evasion, isConfined: false)
            #expect(free == 0, "it does not work where nothing denies it")
            try stage.forgetDenials()
            let stopped = try stage.attempt(evasion, isConfined: true)
            let denial = try stage.denials().first
            print(
                "evasion", evasion.name, evasion.tries,
                free != 0
                    ? "does not work" : stopped == 0 ? "NOT DENIED" : denial?["rule", "id"] ?? "not reported",
                denial?["action"] ?? "", stopped, denial?["object", "path"] ?? "", separator: "\t")
            #expect(stopped == evasion.errno.rawValue)
            #expect(denial?["action"] == evasion.action)
            #expect(denial?["rule", "id"] == evasion.rule)
        }

        @Test func `renames elsewhere deny nothing that is granted`() throws {
            let stage = try #require(EvasionStage.current)
            try stage.forgetDenials()
            let count = ProcessInfo.processInfo.environment["SWGUARD_OPENS"].flatMap(Int.init) ?? 100_000
            let storm = Evasion(
                "renames elsewhere", "",
                """
                echo x >granted/w/x; mkdir elsewhere/storm
                $free rename-storm $PWD/elsewhere/storm 8 & storm=$!
                until [ "$(echo elsewhere/storm/* | wc -w)" -ge 8 ]; do :; done
                $attack open-often $PWD/granted/w/x \(count) && stopped=0 || stopped=$?
                kill $storm; exit $stopped
                """, "", "")
            #expect(try stage.attempt(storm, isConfined: true) == 0)
            #expect(try stage.denials().isEmpty)
        }
    }
}
