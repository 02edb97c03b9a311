import Foundation
import Policy
import Testing

/// A directory that ends with the test.
private final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/swguard-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }
}

@Suite struct HostPolicyFilesTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write("policies/base/a.yaml", "a")
        try scratch.write("secret.yaml", "secret")
        try scratch.link("policies/inside.yaml", to: "base/../base/a.yaml")
        try scratch.link("policies/base/up.yaml", to: "../inside.yaml")
        try scratch.link("policies/outside.yaml", to: "../secret.yaml")
        try scratch.link("policies/absolute.yaml", to: "\(scratch.path)/policies/base/a.yaml")
        try scratch.link("policies/loop.yaml", to: "loop.yaml")
        try scratch.link("policies/away", to: "..")
        try scratch.link("policies/dangling.yaml", to: "nothing.yaml")
    }

    private func read(_ name: String) throws(PolicyFileError) -> String {
        let file = try HostPolicyFiles().read(name, beneath: scratch.path + "/policies")
        return String(decoding: file.bytes, as: UTF8.self)
    }

    @Test(arguments: ["base/a.yaml", "inside.yaml", "base/up.yaml"])
    func `a file beneath the directory is read, through links that stay there`(_ name: String) throws {
        #expect(try read(name) == "a")
    }

    @Test(arguments: [
        ("outside.yaml", "a link leads out of the directory"),
        ("absolute.yaml", "a link leads out of the directory"),
        ("away/secret.yaml", "a link leads out of the directory"),
        ("../secret.yaml", "a link leads out of the directory"),
        ("loop.yaml", "too many links"), ("base", "not a regular file"),
    ])
    func `nothing else is`(_ name: String, _ reason: String) {
        let error = #expect(throws: PolicyFileError.self) { try read(name) }
        #expect(error?.reason == reason)
        #expect(error?.isMissing == false)
    }

    @Test(arguments: ["dangling.yaml", "base/b.yaml", "base/a.yaml/b"])
    func `what is not there is missing`(_ name: String) {
        let error = #expect(throws: PolicyFileError.self) { try read(name) }
        #expect(error?.isMissing == true)
    }

    @Test func `a directory that is not there holds nothing`() {
        let error = #expect(throws: PolicyFileError.self) {
            try HostPolicyFiles().read("a.yaml", beneath: "\(scratch.path)/none")
        }
        #expect(error == .missing)
    }

    @Test func `a FIFO is no policy, and nobody waits for its writer`() throws {
        let fifo = "\(scratch.path)/policies/fifo.yaml"
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(throws: PolicyFileError("not a regular file")) { try HostPolicyFiles().read(fifo) }
        #expect(throws: PolicyFileError("not a regular file")) { try read("fifo.yaml") }
    }

    @Test func `one file under two names is one file`() throws {
        let files = HostPolicyFiles()
        let first = try files.read("base/a.yaml", beneath: "\(scratch.path)/policies")
        #expect(try files.read("inside.yaml", beneath: "\(scratch.path)/policies").identity == first.identity)
        #expect(try files.read("\(scratch.path)/secret.yaml").identity != first.identity)
    }

    @Test func `a file is read one byte past the limit at most`() throws {
        try scratch.write(
            "policies/large.yaml", String(repeating: "#", count: PolicyLoader.byteLimit + 10_000))
        #expect(try read("large.yaml").utf8.count == PolicyLoader.byteLimit + 1)
    }
}
