extension PolicyDecoder {
    /// The `tests` section.
    mutating func tests(_ node: YAMLNode?) -> [PolicyTest] {
        var tests: [PolicyTest] = []
        for item in node?.items ?? [] {
            guard let entry = item.entries?.first, let expected = Verdict(rawValue: entry.key),
                let request = request(entry.value)
            else { continue }
            let rule = entry.value["rule"].flatMap { node in node.text.map { Located($0, at: node.location) }
            }
            tests.append(
                PolicyTest(expected: expected, request: request, rule: rule, location: item.location))
        }
        return tests
    }

    private mutating func request(_ node: YAMLNode) -> Request? {
        for access in NetworkAccess.allCases {
            if let value = node[access.name] { return address(value).map { .network(access, $0) } }
        }
        if let value = node["file"] {
            var accesses: FileAccessSet = []
            for word in words(node["access"]) {
                if let access = FileAccess(name: word.value) { accesses.formUnion(FileAccessSet(access)) }
            }
            guard let word = value.text else { return nil }
            return read(value) { decoder throws(PolicyTextError) in
                [try Self.path(Array(word.utf8), from: 0, decoder.variables)]
            }.first.map { .file(path: $0, accesses) }
        }
        if let word = node["capability"]?.text { return Capability(name: word).map { .capability($0) } }
        if let word = node["operation"]?.text { return Operation(rawValue: word).map { .operation($0) } }
        if let value = node["syscall"], let word = value.text {
            guard isKnown(word, at: value.location, hint: "a test asks for one call by its name") else {
                return nil
            }
            return arguments(node["args"]).map { .syscall(name: word, arguments: $0) }
        }
        return nil
    }

    private func arguments(_ node: YAMLNode?) -> [UInt64]? {
        let items = node?.items ?? []
        if items.count > 6 {
            diagnostics.add(
                "more than six arguments", at: items[6].location, hint: "a system call has at most six")
            return nil
        }
        var arguments: [UInt64] = []
        for item in items {
            guard let word = item.text else { return nil }
            do throws(PolicyTextError) {
                arguments.append(try ArgumentCondition.parseValue(word, at: 0))
            } catch {
                report(error, in: item)
                return nil
            }
        }
        return arguments
    }

    /// One address: what a process asks for is never a pattern.
    private mutating func address(_ node: YAMLNode) -> SocketAddress? {
        guard let word = node.text else { return nil }
        let bytes = Array(word.utf8)
        return read(node) { decoder throws(PolicyTextError) -> [SocketAddress] in
            if word.hasPrefix("unix:@") {
                let name = try Self.expand(bytes, from: 6, decoder.variables)
                if name.isEmpty { throw PolicyTextError("the name is empty", at: 5) }
                return [.unixAbstract(name)]
            }
            if word.hasPrefix("unix:") {
                return [.unixPath(try Self.path(bytes, from: 5, decoder.variables))]
            }
            let endpoint = try Endpoint.parse(
                bytes, variables: decoder.variables, budget: &decoder.patternBudget
            ).first
            guard case .inet(let protocols, .prefix(let address, let length), .range(let ports)) = endpoint,
                let transport = protocols.first, protocols.count == 1, Int(length) == address.bitCount,
                ports.count == 1
            else {
                throw PolicyTextError(
                    "a test asks for one address", at: 0, length: bytes.count,
                    hint: "write tcp: or udp:, an address and a port, such as tcp:192.0.2.1:443")
            }
            return [.inet(transport, address, ports.lowerBound)]
        }.first
    }

    /// The path written in `text` from `start`: each byte itself, variables in place.
    static func path(
        _ text: [UInt8], from start: Int, _ variables: VariableScope
    ) throws(PolicyTextError) -> [UInt8] {
        let path = try expand(text, from: start, variables)
        guard path.first == UInt8(ascii: "/") else {
            throw PolicyTextError(
                "the path is not absolute", at: min(start, max(0, text.count - 1)),
                length: max(1, text.count - start), hint: "it must begin with '/'")
        }
        if path.count == 1 { return path }
        if path.contains(0) { throw PolicyTextError("a NUL byte", at: start, hint: "no path contains one") }
        let components = path.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for component in components
        where component.isEmpty || [[0x2e], [0x2e, 0x2e]].contains(Array(component)) {
            throw PolicyTextError(
                "not a path as the kernel resolves it", at: start, length: max(1, text.count - start),
                hint: "no component is empty, '.' or '..'")
        }
        return path
    }

    private static func expand(
        _ text: [UInt8], from start: Int, _ variables: VariableScope
    ) throws(PolicyTextError) -> [UInt8] {
        var result: [UInt8] = []
        var index = start
        while index < text.count {
            if text[index...].starts(with: "${".utf8) {
                let (value, end) = try variables.expand(text, at: index)
                result += value
                index = end
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }
}
