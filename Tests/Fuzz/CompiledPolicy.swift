import Policy
import Seccomp

@testable import Compiler

/// The first byte picks the file; the rest is its body, which is sealed here: a fuzzer finds no checksum. What must hold:
/// no crash, no hang, and what is accepted is written and read back. It can be looked at, too.
@c(LLVMFuzzerTestOneInput)
public func fuzzCompiledPolicy(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let body = Array(bytes.dropFirst())
    switch bytes[0] {
    case UInt8(ascii: "P"):
        readPlan(SealedFile.encode(body, magic: PlanFile.magic, format: PlanFile.format))
    case UInt8(ascii: "I"):
        let file = SealedFile.encode(body, magic: PlanInputs.magic, format: PlanFile.format)
        guard let inputs = PlanInputs(decoding: file) else { return 0 }
        precondition(PlanInputs(decoding: inputs.encoded()) == inputs, "what was read cannot be written")
    case UInt8(ascii: "G"):
        let file = SealedFile.encode(body, magic: GenerationRecord.magic, format: GenerationRecord.format)
        guard let record = GenerationRecord(decoding: file) else { return 0 }
        precondition(GenerationRecord(decoding: record.encoded) == record, "what was read cannot be written")
    default:
        readPlan(bytes)
        _ = PlanInputs(decoding: bytes)
        _ = GenerationRecord(decoding: bytes)
    }
    return 0
}

private func readPlan(_ file: [UInt8]) {
    guard let plan = try? PlanFile.decode(file) else { return }
    precondition((try? PlanFile.decode(PlanFile.encode(plan))) == plan, "what was read cannot be written")
    for line in plan.listing {
        precondition(DiagnosticFormatter.printable(line) == line, "a line steers the terminal")
    }
    precondition(
        (try? JSON(parsing: Array(plan.listingJSON.text.utf8), limits: .init(values: 1 << 20))) != nil)
    _ = plan.coverage
    // What a start and a denial do with it.
    for filter in [plan.filter, FilterProgram(bytes: plan.plainFilterBytes)] { _ = filter?.defect }
    for layer in plan.layers {
        let recipe = layer.recipe
        for pattern in recipe.denies + recipe.carvings.flatMap(\.allows) {
            _ = pattern.pattern.matches(Array("/usr/share/doc".utf8))
            _ = recipe.origins[pattern.origin]
        }
    }
    let decisions = plan.decisions ?? []
    for number: UInt32 in [0, 1, 41, 59, .max] {
        let call = FilterInput(number: number, architecture: 0xc000_003e, arguments: [.max, 0, 1])
        _ = SyscallDecisions.decide(decisions, call)
        _ = decisions.first?.name(of: call)
    }
}
