import Foundation
import Testing

@testable import Agent

@Suite struct WholeFileTests {
    private let directory = "\(NSTemporaryDirectory())/swguard-file-\(UUID().uuidString.prefix(8))"

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    @Test func `a file is replaced with its mode, and nothing is left beside it`() throws {
        let path = directory + "/file"
        for text in ["first", "second, which is longer", ""] {
            #expect(WholeFile.replace(path, with: Array(text.utf8), mode: 0o640, isDurable: true))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["file"])
    }

    @Test func `where it cannot be written, what was there is there`() throws {
        let path = directory + "/file"
        #expect(WholeFile.replace(path, with: Array("kept".utf8), mode: 0o600, isDurable: false))
        // A directory that is not empty, in the place of the new one.
        try FileManager.default.createDirectory(atPath: path + ".new/x", withIntermediateDirectories: true)
        #expect(!WholeFile.replace(path, with: Array("lost".utf8), mode: 0o600, isDurable: false))
        #expect(errno == EEXIST)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "kept")
    }
}
