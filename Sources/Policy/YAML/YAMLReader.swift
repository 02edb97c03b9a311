/// Builds the tree of a YAML document from libyaml's events, and refuses what policies may not use.
struct YAMLReader {
    static let byteLimit = 1 << 20
    static let depthLimit = 64
    static let nodeLimit = 100_000

    private let text: SourceText
    private let diagnostics: Diagnostics
    private var nodes = 0
    /// What ended the reading within the document.
    private var refusal: Refusal?

    /// The document in `text`, as far as it can be read: truncated where a syntax error ended it, nil where nothing
    /// stands before that. What else is wrong is reported and left out.
    static func read(_ text: SourceText, _ diagnostics: Diagnostics) -> YAMLNode? {
        var reader = YAMLReader(text: text, diagnostics: diagnostics)
        var root: YAMLNode?
        do throws(Refusal) {
            try reader.checkBytes()
            root = try reader.readStream()
        } catch {
            reader.refusal = error
        }
        guard let refusal = reader.refusal else { return root }
        diagnostics.add(refusal.text, at: refusal.location, hint: refusal.hint)
        return refusal.leavesDocument ? root : nil
    }

    private init(text: SourceText, diagnostics: Diagnostics) {
        self.text = text
        self.diagnostics = diagnostics
    }

    /// What ends the reading of a file.
    private struct Refusal: Error {
        var text: String
        var location: SourceLocation
        var hint: String?
        /// Whether what was read before is worth looking at: a file beyond a limit is not.
        var leavesDocument = false
    }

    // MARK: Before libyaml

    /// Refuses what libyaml must not see: it replaces, skips or mistakes these.
    private func checkBytes() throws(Refusal) {
        let bytes = text.bytes
        if bytes.count > Self.byteLimit {
            throw Refusal(
                text: "the file is larger than 1 MiB", location: place(0),
                hint: "split it, and use 'include'")
        }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) || bytes.starts(with: [0xff, 0xfe])
            || bytes.starts(with: [0xfe, 0xff])
        {
            throw Refusal(
                text: "the file begins with a byte order mark", location: place(0),
                hint: "save it as UTF-8 without one")
        }
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw Refusal(
                text: "this is not UTF-8", location: place(error.byteOffsets.lowerBound),
                hint: "save the file as UTF-8")
        }
        if let nul = bytes.firstIndex(of: 0) {
            throw Refusal(text: "the file contains a NUL byte", location: place(nul))
        }
        try checkDirectives()
    }

    /// Refuses `%TAG` before the document: tags are not accepted, and libyaml is quadratic in their number.
    private func checkDirectives() throws(Refusal) {
        let bytes = text.bytes
        var start = 0
        while start < bytes.count {
            let line = bytes[start...].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            let content = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if line.starts(with: "%TAG".utf8) {
                throw Refusal(text: "tags are not accepted", location: place(start, 4))
            }
            let isBeforeDocument =
                content.isEmpty || content.first == UInt8(ascii: "#") || line.first == UInt8(ascii: "%")
            if !isBeforeDocument { return }
            start = line.endIndex + 1
        }
    }

    // MARK: Events

    private mutating func readStream() throws(Refusal) -> YAMLNode? {
        guard var stream = YAMLEventStream(text.bytes) else {
            throw Refusal(text: "out of memory", location: place(0))
        }
        while true {
            let event = try next(&stream)
            switch event.kind {
            case .streamStart, .documentStart: continue
            case .streamEnd: throw isNothing
            default: break
            }
            var root = try readNode(event, &stream, depth: 0)
            if root.isTruncated { return root }
            if root.isEmpty { throw isNothing }
            do throws(Refusal) {
                let end = try next(&stream)
                checkRest(fromCodePoint: end.start)
            } catch {
                refusal = error
                root.isTruncated = true
            }
            return root
        }
    }

    private var isNothing: Refusal {
        Refusal(
            text: "the file is empty", location: place(0), hint: "a policy begins 'apiVersion: swguard/v1'")
    }

    /// Reports anything but comments behind the document.
    private func checkRest(fromCodePoint index: Int) {
        var start = text.byteOffset(ofCodePoint: index)
        let bytes = text.bytes
        while start < bytes.count {
            let line = bytes[start...].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            var content = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if line.starts(with: "...".utf8) {
                content = content.dropFirst(3).drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            }
            if !content.isEmpty && content.first != UInt8(ascii: "#") {
                return diagnostics.add(
                    "a file holds one document", at: place(content.startIndex, content.count),
                    hint: "put the second policy into a file of its own")
            }
            start = line.endIndex + 1
        }
    }

    private func next(_ stream: inout YAMLEventStream) throws(Refusal) -> YAMLEvent {
        do throws(YAMLSyntaxError) {
            return try stream.next()
        } catch {
            let byte: Int =
                switch error.place {
                case .byte(let byte): byte
                case .codePoint(let index): text.byteOffset(ofCodePoint: index)
                }
            throw Refusal(
                text: error.text, location: place(byte), hint: syntaxHint(at: byte), leavesDocument: true)
        }
    }

    private func syntaxHint(at byte: Int) -> String? {
        guard text.bytes.indices.contains(byte) else { return nil }
        switch text.bytes[byte] {
        case UInt8(ascii: "\t"): return "indent with spaces"
        case UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "%"), UInt8(ascii: "*"), UInt8(ascii: "?"):
            return "text that begins with '\(Character(Unicode.Scalar(text.bytes[byte])))' must be in quotes"
        default: break
        }
        // libyaml marks what follows the '*' of an alias that has no name.
        if byte > 0, text.bytes[byte - 1] == UInt8(ascii: "*") {
            return "text that begins with '*' must be in quotes"
        }
        return nil
    }

    /// The node that begins with `event`; reads up to its end.
    ///
    /// Recursion goes no deeper than `depthLimit`: each container's start is counted before it is entered.
    private mutating func readNode(
        _ event: YAMLEvent, _ stream: inout YAMLEventStream, depth: Int
    ) throws(Refusal) -> YAMLNode {
        nodes += 1
        let bytes = range(event)
        let location = text.location(fromByte: bytes.lowerBound, toByte: bytes.upperBound)
        if nodes > Self.nodeLimit {
            throw Refusal(text: "more than 100,000 values", location: location)
        }
        if event.hasAnchor {
            diagnostics.add(
                "anchors are not accepted", at: location, hint: "write the value where it is used")
        }
        if event.hasTag {
            diagnostics.add("tags are not accepted", at: location, hint: "every scalar is text as written")
        }
        var node = YAMLNode(content: .invalid, location: location, bytes: bytes)
        switch event.kind {
        case .scalar(let value, let style): node.content = .scalar(value, style)
        case .alias:
            diagnostics.add(
                "aliases are not accepted", at: location,
                hint: "a pattern that begins with '*' must be in quotes; a value is written where it is used")
        case .sequenceStart:
            try checkDepth(depth + 1, location)
            var items: [YAMLNode] = []
            do throws(Refusal) {
                var last = try next(&stream)
                while !last.kind.isEnd {
                    let item = try readNode(last, &stream, depth: depth + 1)
                    items.append(item)
                    if item.isTruncated { break }
                    last = try next(&stream)
                }
                close(&node, at: last, content: .sequence(items))
            } catch {
                refusal = error
                if let item = items.popLast(), let kept = item.beforeError(inFlow: event.isFlow, in: text) {
                    items.append(kept)
                }
            }
            if refusal != nil { truncate(&node, content: .sequence(items)) }
        case .mappingStart:
            try checkDepth(depth + 1, location)
            var entries: [YAMLNode.Entry] = []
            var seen: [String: SourceLocation] = [:]
            do throws(Refusal) {
                var last = try next(&stream)
                while !last.kind.isEnd {
                    let key = try readNode(last, &stream, depth: depth + 1)
                    if key.isTruncated { break }
                    let value = try readNode(try next(&stream), &stream, depth: depth + 1)
                    if let entry = entry(key, value, &seen) { entries.append(entry) }
                    if value.isTruncated { break }
                    last = try next(&stream)
                }
                close(&node, at: last, content: .mapping(entries))
            } catch {
                refusal = error
                if var entry = entries.popLast(),
                    let kept = entry.value.beforeError(inFlow: event.isFlow, in: text)
                {
                    entry.value = kept
                    entries.append(entry)
                }
            }
            if refusal != nil { truncate(&node, content: .mapping(entries)) }
        default: throw Refusal(text: "this is not YAML", location: location)
        }
        return node
    }

    /// The entry of `key` and `value`, or nil where the key is none that a policy may use.
    private func entry(
        _ key: YAMLNode, _ value: YAMLNode, _ seen: inout [String: SourceLocation]
    ) -> YAMLNode.Entry? {
        guard case .scalar(let name, let style) = key.content else {
            if !key.isInvalid {
                diagnostics.add(
                    "a key must be text", at: key.location, hint: "lists and mappings are no keys")
            }
            return nil
        }
        if name == "<<", style == .plain {
            diagnostics.add("merge keys are not accepted", at: key.location, hint: "use 'include'")
            return nil
        }
        if let first = seen[name] {
            diagnostics.add(
                "duplicate key \(quoted(name))", at: key.location, hint: "the first is in line \(first.line)")
            return nil
        }
        seen[name] = key.location
        return YAMLNode.Entry(key: name, keyLocation: key.location, value: value)
    }

    private func close(_ node: inout YAMLNode, at last: YAMLEvent, content: YAMLNode.Content) {
        node.content = content
        node.bytes = node.bytes.lowerBound..<max(node.bytes.upperBound, range(last).upperBound)
        node.location = text.location(fromByte: node.bytes.lowerBound, toByte: node.bytes.upperBound)
    }

    private func truncate(_ node: inout YAMLNode, content: YAMLNode.Content) {
        node.content = content
        node.isTruncated = true
    }

    private func checkDepth(_ depth: Int, _ location: SourceLocation) throws(Refusal) {
        // Counted at each event: libyaml is quadratic in depth.
        if depth > Self.depthLimit {
            throw Refusal(text: "more than 64 levels", location: location)
        }
    }

    private func range(_ event: YAMLEvent) -> Range<Int> {
        let start = text.byteOffset(ofCodePoint: event.start)
        return start..<max(start, text.byteOffset(ofCodePoint: event.end))
    }

    private func place(_ byte: Int, _ length: Int = 1) -> SourceLocation {
        text.location(fromByte: byte, toByte: byte + length)
    }
}

extension YAMLEvent.Kind {
    /// Whether a sequence or a mapping ends here.
    fileprivate var isEnd: Bool {
        switch self {
        case .sequenceEnd, .mappingEnd: true
        default: false
        }
    }
}
