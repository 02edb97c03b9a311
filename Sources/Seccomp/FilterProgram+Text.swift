extension FilterProgram {
    /// The program in readable form, one line an instruction.
    ///
    /// `callName` gives the name of a call number where the accumulator holds one; nil leaves the number.
    public func disassembled(callName: (UInt32) -> String?) -> [String] {
        var lines: [String] = []
        // What the accumulator holds on the way in; a jump only ever leads to where every way in agrees or
        // the text does not need it.
        var holds: [UInt32?] = Array(repeating: nil, count: instructions.count + 1)
        for (index, instruction) in instructions.enumerated() {
            let held = instruction.code == FilterCode.load ? instruction.constant : holds[index]
            func pass(to target: Int) {
                if target < holds.count, holds[target] == nil { holds[target] = held }
            }
            let text: String
            switch instruction.code {
            case FilterCode.load:
                text = "load \(Self.wordName(at: instruction.constant))"
                pass(to: index + 1)
            case FilterCode.and:
                text = "and \(hexadecimal(instruction.constant))"
                pass(to: index + 1)
            case FilterCode.jump:
                let target = index + 1 + Int(instruction.constant)
                text = "go to \(target)"
                pass(to: target)
            case FilterCode.jumpIfEqual, FilterCode.jumpIfGreater, FilterCode.jumpIfGreaterOrEqual,
                FilterCode.jumpIfAnySet:
                let symbol =
                    switch instruction.code {
                    case FilterCode.jumpIfEqual: "=="
                    case FilterCode.jumpIfGreater: ">"
                    case FilterCode.jumpIfGreaterOrEqual: ">="
                    default: "&"
                    }
                var operand = hexadecimal(instruction.constant)
                if held == 0 {
                    operand = "\(instruction.constant)"
                    if let name = callName(instruction.constant) { operand += " (\(name))" }
                }
                let (then, otherwise) =
                    (index + 1 + Int(instruction.whenTrue), index + 1 + Int(instruction.whenFalse))
                text = "if \(symbol) \(operand) go to \(then), else \(otherwise)"
                pass(to: then)
                pass(to: otherwise)
            case FilterCode.finish:
                text = "return \(Self.actionName(FilterAction(returnValue: instruction.constant)))"
            default:
                text = "code \(hexadecimal(UInt32(instruction.code))) \(hexadecimal(instruction.constant))"
                pass(to: index + 1)
            }
            let number = String(index)
            lines.append(String(repeating: " ", count: max(0, 4 - number.count)) + number + ": " + text)
        }
        return lines
    }

    /// What the word of `seccomp_data` at `offset` is called.
    private static func wordName(at offset: UInt32) -> String {
        switch offset {
        case 0: return "number"
        case 4: return "architecture"
        case 8, 12: return "instruction pointer \(offset == 8 ? "low" : "high")"
        default: return "arg\((offset &- 16) / 8) \(offset & 4 == 0 ? "low" : "high")"
        }
    }

    private static func actionName(_ action: FilterAction) -> String {
        switch action {
        case .killProcess: "kill"
        case .errno(let code): "errno \(code)"
        case .notify: "notify"
        case .allow: "allow"
        case .other(let value): hexadecimal(value)
        }
    }
}

private func hexadecimal(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
