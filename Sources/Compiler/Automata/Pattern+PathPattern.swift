internal import Automata
internal import Policy

extension Pattern {
    /// A pattern of the policy language, as steps of an automaton.
    init(_ pattern: PathPattern) {
        let beginning = pattern.literalBytes
        self.init(
            beginning: beginning,
            pattern.tokens.dropFirst(beginning.count).map { token in
                switch token {
                case .byte(let byte): .byte(byte)
                case .anyByte: .oneOf(.allButSlash)
                case .set(let set):
                    // No set matches '/', whatever it was made of.
                    .oneOf(
                        ByteMask((UInt8.min...UInt8.max).lazy.filter { set.contains($0) && $0 != Self.slash })
                    )
                case .star: .run(.allButSlash)
                case .anything: .run(.all)
                case .subtree: .subtree
                }
            })
    }

    private static let slash = UInt8(ascii: "/")
}
