import Foundation
import Testing

/// `policies/document-converter.yaml` with pdftotext on a document, and on what only looks like one.
@Suite(.landlock) struct PoliciesDocumentTests {
    private let place: Workplace

    init() throws {
        place = try Workplace()
        try place.makeDirectory("out")
        try place.write("in.pdf", Self.document)
    }

    /// A page that says hello.
    private static let document: String = {
        let stream = "BT /F1 24 Tf 72 700 Td (Hello from the page) Tj ET"
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
                + " /Resources << /Font << /F1 5 0 R >> >> >>",
            "<< /Length \(stream.utf8.count) >>\nstream\n\(stream)\nendstream",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
        var text = "%PDF-1.4\n"
        var table = "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
        for (index, object) in objects.enumerated() {
            table += String(format: "%010d 00000 n \n", text.utf8.count)
            text += "\(index + 1) 0 obj\n\(object)\nendobj\n"
        }
        let start = text.utf8.count
        return text + table
            + "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R >>\nstartxref\n\(start)\n%%EOF\n"
    }()

    @Test func `a document becomes text, and a picture`() throws {
        let text = try place.run("document-converter", ["pdftotext", "in.pdf", "out/in.txt"])
        #expect(text.status == 0, "\(text)")
        #expect(place.read("out/in.txt")?.contains("Hello from the page") == true)
        #expect(text.denials.isEmpty, "\(text)")
        let facts = try place.run("document-converter", ["pdfinfo", "in.pdf"])
        #expect(facts.output.contains("Pages:           1"), "\(facts)")
        let picture = try place.run("document-converter", ["pdftoppm", "-r", "20", "in.pdf", "out/page"])
        #expect(picture.status == 0, "\(picture)")
        #expect(FileManager.default.fileExists(atPath: "\(place.project)/out/page-1.ppm"))
    }

    @Test(arguments: [
        "%PDF-1.4\nnothing", "", "%PDF-1.7\n1 0 obj << /Length 999999999 >> stream\n",
        "%PDF-1.4\ntrailer << /Root 9 0 R /Prev 3 >>\nstartxref\n9\n%%EOF\n",
    ])
    func `a broken document is told apart`(_ text: String) throws {
        try place.write("broken.pdf", text)
        let run = try place.run("document-converter", ["pdftotext", "broken.pdf", "out/x.txt"])
        #expect(run.status == 1, "\(run)")
        #expect(run.errors.contains("Syntax Error") || run.errors.contains("Command Line Error"), "\(run)")
    }

    @Test func `the converter reads no secret, even where a link leads to it`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        let direct = try place.run("document-converter", ["pdftotext", key, "out/key.txt"])
        #expect(direct.status == 1)
        direct.expectDenied("file.read", key, by: "files.default")
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.project)/link.pdf", withDestinationPath: key)
        let linked = try place.run("document-converter", ["pdftotext", "link.pdf", "out/key.txt"])
        #expect(linked.status == 1)
        linked.expectDenied("file.read", key, by: "files.default")
        try place.expectUntouched()
    }

    @Test func `the converter writes nowhere else`() throws {
        let outside = "\(place.outside)/file"
        let run = try place.run("document-converter", ["pdftotext", "in.pdf", outside])
        #expect(run.status != 0)
        run.expectDenied("file.write", outside, by: "files.default")
        let source = try place.run("document-converter", ["pdftotext", "in.pdf", "in.pdf"])
        #expect(source.status != 0)
        source.expectDenied("file.write", "\(place.project)/in.pdf", by: "files.default")
        #expect(place.read("in.pdf") == Self.document)
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.project)/out/way", withDestinationPath: outside)
        let linked = try place.run("document-converter", ["pdftotext", "in.pdf", "out/way"])
        #expect(linked.status != 0)
        try place.expectUntouched()
    }

    @Test func `nothing but the converter starts`() throws {
        try place.bringAttacks()
        for program in ["/usr/bin/sh", "/usr/bin/python3", "\(place.project)/attacks"] {
            let run = try place.run("document-converter", [program])
            #expect(run.status == 126, "\(run)")
            let file = URL(fileURLWithPath: program).resolvingSymlinksInPath().path
            run.expectDenied("file.execute", file, by: "files.default")
        }
        // Nor by way of the loader, which runs what it can read.
        let loader = "/lib64/ld-linux-x86-64.so.2"
        if FileManager.default.fileExists(atPath: loader) {
            let run = try place.run("document-converter", [loader, "/usr/bin/id"])
            #expect(run.status == 127, "\(run)")
            run.expectDenied("file.read", "/usr/bin/id", by: "files.default")
        }
    }

    /// What a document that took the converter over could try: the attacks' program, let in for this test alone.
    @Test(arguments: [
        ("unix", "unix"), ("udp", "inet"), ("connect", "inet"), ("writable-code", ""),
        ("made-executable", ""), ("memfd-execute", ""), ("clone", ""), ("ptrace", ""), ("signal", ""),
        ("io-uring", ""),
    ])
    func `code in the converter gets nowhere`(_ attack: String, _ family: String) throws {
        try place.bringAttacks()
        let argument =
            ["ptrace", "signal"].contains(attack)
            ? String(ProcessInfo.processInfo.processIdentifier) : attack == "connect" ? "80" : "x"
        let run = try place.run(
            "document-converter", options: ["--exec", "\(place.project)/attacks"],
            ["./attacks", attack, argument])
        #expect(run.status != 0, "\(run)")
        if !family.isEmpty { run.expectDenied("socket.create", family, by: "network.families") }
    }
}
