extension PolicyDecoder {
    /// The `syscalls` section.
    mutating func syscalls(_ entry: YAMLNode.Entry) -> SyscallsSection? {
        guard entry.value.entries != nil else { return nil }
        var section = SyscallsSection(
            defaultVerdict: entry.value["default"]?.text == "allow" ? .allow : .deny,
            architectures: words(entry.value["architectures"]), location: entry.keyLocation)
        for (index, node) in (entry.value["rules"]?.items ?? []).enumerated() {
            guard let header = header(node, place: "syscalls.rules[\(index)]") else { continue }
            let list = node[header.verdict.rawValue]
            var selectors = (list?.items ?? []).compactMap { selector($0) }
            if let list, isAll(list) { selectors = [Located(.all, at: list.location)] }
            var conditions: [Located<ArgumentCondition>] = []
            for item in node["when"]?.items ?? [] {
                if let condition = condition(item, on: selectors) {
                    conditions.append(Located(condition, at: item.location))
                }
            }
            section.rules.append(
                SyscallRule(
                    header: header, selectors: selectors, conditions: conditions,
                    action: node["action"].flatMap { action($0) } ?? .errno(vocabulary.permissionError)))
        }
        return section
    }

    private func selector(_ node: YAMLNode) -> Located<SyscallSelector>? {
        guard let word = node.text else { return nil }
        if word.hasPrefix("@") {
            let group = String(word.dropFirst())
            if vocabulary.isGroup(group) { return Located(.group(group), at: node.location) }
            diagnostics.add(
                "unknown group \(quoted(word))", at: node.location,
                hint: suggestion(for: word, in: vocabulary.groups.keys.map { "@\($0)" })
                    ?? "the groups are systemd's, such as @system-service")
            return nil
        }
        if word.hasSuffix("?") {
            let name = String(word.dropLast())
            guard Self.isSyscallName(name) else {
                diagnostics.add(
                    "\(quoted(word)) is not the name of a system call", at: node.location,
                    hint: "names are a-z, 0-9 and '_'")
                return nil
            }
            return Located(.optionalName(name), at: node.location)
        }
        guard isKnown(word, at: node.location, hint: "write '\(word)?' if it need not be known") else {
            return nil
        }
        return Located(.name(word), at: node.location)
    }

    /// Whether there is a system call `name`; reported where there is none.
    func isKnown(_ name: String, at location: SourceLocation, hint: String?) -> Bool {
        if vocabulary.isKnown(name) { return true }
        let near =
            vocabulary.isGroup(name)
            ? "did you mean '@\(name)'?" : suggestion(for: name, in: vocabulary.names)
        diagnostics.add(
            "unknown system call \(quoted(name))", at: location,
            hint: near ?? (Self.isSyscallName(name) ? hint : "names are a-z, 0-9 and '_'"))
        return false
    }

    private static func isSyscallName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    private func condition(
        _ node: YAMLNode, on selectors: [Located<SyscallSelector>]
    ) -> ArgumentCondition? {
        guard let word = node.text else { return nil }
        do throws(PolicyTextError) {
            let condition = try ArgumentCondition.parse(word)
            for selector in selectors {
                guard case .name(let name) = selector.value,
                    vocabulary.width(of: condition.argument, of: name) == 32
                else { continue }
                // Compared as 32 bits, a larger value would stand for another.
                let large = [condition.value, condition.mask].first { !Self.fits32Bits($0) }
                if let large {
                    throw PolicyTextError(
                        "0x\(String(large, radix: 16)) does not fit arg\(condition.argument) of '\(name)', which has 32 bits",
                        at: 0, length: word.utf8.count, hint: "the largest is 0xffffffff")
                }
            }
            return condition
        } catch {
            report(error, in: node)
            return nil
        }
    }

    private static func fits32Bits(_ value: UInt64) -> Bool {
        value <= 0xffff_ffff || value >= 0xffff_ffff_8000_0000
    }

    /// `kill`, or `errno:NAME`.
    private func action(_ node: YAMLNode) -> SyscallAction? {
        guard let word = node.text else { return nil }
        if word == "kill" { return .kill }
        guard word.hasPrefix("errno:") else {
            diagnostics.add(
                "unknown action \(quoted(word))", at: node.location,
                hint: suggestion(for: word, in: ["kill"]) ?? "write kill, or errno:NAME, such as errno:EPERM")
            return nil
        }
        let name = String(word.dropFirst("errno:".count))
        if let number = ErrnoNames.numbers[name] { return .errno(number) }
        let near =
            suggestion(for: name, in: ErrnoNames.numbers.keys)
            ?? Int32(name).flatMap { ErrnoNames.name(of: $0) }.map { "did you mean '\($0)'?" }
        report(
            PolicyTextError(
                "unknown error \(quoted(name))", at: "errno:".utf8.count, length: max(1, name.utf8.count),
                hint: near ?? "the names are those of errno(3), such as EPERM"), in: node)
        return nil
    }
}
