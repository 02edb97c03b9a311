/// Holds a document against its declared shape, and reports every difference.
///
/// What decodes the document afterwards takes what fits and passes over the rest, which was reported here.
struct ShapeCheck {
    let diagnostics: Diagnostics

    /// Checks `node`, the value of `key` (nil for the document and for items of lists).
    func check(_ node: YAMLNode, _ shape: Shape, key: String?, keyLocation: SourceLocation? = nil) {
        if node.isInvalid { return }
        if node.isEmpty, let key {
            diagnostics.add(
                "'\(key)' has no value", at: keyLocation ?? node.location, hint: emptyHint(shape))
            return
        }
        switch shape {
        case .text(let text): check(node, text, key)
        case .word(let vocabulary): check(node, vocabulary, key)
        case .flag: checkFlag(node, key)
        case .list(let list): check(node, list, key)
        case .object(let object): check(node, object, key)
        }
    }

    private func emptyHint(_ shape: Shape) -> String? {
        switch shape {
        case .object: "write {} for one without entries; a section that is {} denies everything"
        case .list(let list) where list.mayBeEmpty: "write [] for none"
        default: "write one, or leave the key out"
        }
    }

    // MARK: Scalars

    private func check(_ node: YAMLNode, _ shape: TextShape, _ key: String?) {
        guard let text = node.text else { return wrongType(node, key, "text") }
        if let accepts = shape.accepts, !accepts(text) {
            diagnostics.add("\(quoted(text)) is not \(shape.name)", at: node.location, hint: shape.hint)
        }
    }

    private func check(_ node: YAMLNode, _ vocabulary: Vocabulary, _ key: String?) {
        guard let text = node.text else { return wrongType(node, key, "text") }
        if !vocabulary.words.contains(text) {
            diagnostics.add(
                "unknown \(vocabulary.label) \(quoted(text))", at: node.location,
                hint: vocabulary.hint(for: text))
        }
    }

    private func checkFlag(_ node: YAMLNode, _ key: String?) {
        guard case .scalar(let text, let style) = node.content else {
            return wrongType(node, key, "true or false")
        }
        if style != .plain || (text != "true" && text != "false") {
            diagnostics.add(
                "\(key.map { "'\($0)' is" } ?? "this is") neither true nor false: \(quoted(text))",
                at: node.location, hint: "write true or false, without quotes")
        }
    }

    // MARK: Lists

    private func check(_ node: YAMLNode, _ shape: ListShape, _ key: String?) {
        guard let items = node.items else {
            if shape.mayBeAll, node.text == "all" { return }
            return wrongType(node, key, shape.mayBeAll ? "a list, or 'all'" : "a list")
        }
        if items.isEmpty && !shape.mayBeEmpty && !node.isTruncated {
            diagnostics.add(
                "\(key.map { "'\($0)'" } ?? "the list") is empty", at: node.location,
                hint: "name at least one, or leave the key out")
        }
        var seen: [String: SourceLocation] = [:]
        for item in items {
            if item.isEmpty {
                diagnostics.add("an item without a value", at: item.location, hint: "remove the '-'")
                continue
            }
            if shape.mayBeAll, item.text == "all" {
                diagnostics.add(
                    "'all' within a list", at: item.location, hint: "write '\(key ?? "allow"): all'")
                continue
            }
            check(item, shape.item, key: nil)
            guard !shape.mayRepeat, let text = item.text else { continue }
            if let first = seen[text] {
                diagnostics.add(
                    "\(quoted(text)) stands twice in this list", at: item.location,
                    hint: "the first is at \(first.line):\(first.column)")
            } else {
                seen[text] = item.location
            }
        }
    }

    // MARK: Mappings

    private func check(_ node: YAMLNode, _ shape: ObjectShape, _ key: String?) {
        guard let entries = node.entries else { return wrongType(node, key, "a mapping") }
        for entry in entries {
            guard let field = shape.fields.first(where: { $0.key == entry.key }) else {
                let keys = shape.fields.map(\.key)
                diagnostics.add(
                    "unknown key \(quoted(entry.key))", at: entry.keyLocation,
                    hint: suggestion(for: entry.key, in: keys)
                        ?? "the keys of \(shape.name) are \(keys.joined(separator: ", "))")
                continue
            }
            check(entry.value, field.shape, key: entry.key, keyLocation: entry.keyLocation)
        }
        let place = start(of: node)
        // Of a file that could not be read to its end, what is missing may stand behind.
        for field in shape.fields where field.isRequired && !node.isTruncated && node.entry(field.key) == nil
        {
            if isMisspelt([field.key], in: node, shape) { continue }
            diagnostics.add(
                "\(shape.name) needs the key '\(field.key)'", at: place, hint: field.example)
        }
        for constraint in shape.constraints { check(node, constraint, shape, place) }
    }

    private func check(
        _ node: YAMLNode, _ constraint: ObjectShape.Constraint, _ shape: ObjectShape, _ place: SourceLocation
    ) {
        switch constraint {
        case .exactlyOne(let keys):
            let found = (node.entries ?? []).filter { keys.contains($0.key) }
            let list = keys.dropLast().map { "'\($0)'" }.joined(separator: ", ") + " and '\(keys.last ?? "")'"
            if found.isEmpty {
                if node.isTruncated { return }
                if isMisspelt(keys, in: node, shape) { return }
                diagnostics.add("\(shape.name) has exactly one of \(list)", at: place, hint: "add one")
            }
            for extra in found.dropFirst() {
                diagnostics.add(
                    "\(shape.name) has exactly one of \(list)", at: extra.keyLocation,
                    hint: "'\(found[0].key)' is there already, in line \(found[0].keyLocation.line)")
            }
        case .needs(let key, let other, let why):
            guard !node.isTruncated, let entry = node.entry(key), node.entry(other) == nil else { return }
            diagnostics.add("'\(key)' without '\(other)'", at: entry.keyLocation, hint: why)
        case .excludes(let key, let other, let why):
            guard let entry = node.entry(key), node.entry(other) != nil else { return }
            diagnostics.add("'\(key)' beside '\(other)'", at: entry.keyLocation, hint: why)
        case .onlyNames(let key, let lists):
            guard let entry = node.entry(key) else { return }
            for list in lists.compactMap({ node[$0] }) {
                for selector in list.items ?? [list] {
                    guard let text = selector.text, text.hasPrefix("@") || list.text == "all" else {
                        continue
                    }
                    diagnostics.add(
                        "\(quoted(text)) with '\(key)'", at: selector.location,
                        hint:
                            "'\(key)' (line \(entry.keyLocation.line)) is for calls that are named one by one"
                    )
                }
            }
        }
    }

    /// Whether an unknown key of `node` is probably meant to be one of `keys`: it was reported, and what it stands
    /// for is not missing.
    private func isMisspelt(_ keys: [String], in node: YAMLNode, _ shape: ObjectShape) -> Bool {
        (node.entries ?? []).contains { entry in
            !shape.fields.contains { $0.key == entry.key } && nearest(to: entry.key, in: keys) != nil
        }
    }

    /// The first character of a mapping: what is missing is missing there.
    private func start(of node: YAMLNode) -> SourceLocation {
        node.entries?.first?.keyLocation ?? node.location
    }

    private func wrongType(_ node: YAMLNode, _ key: String?, _ wanted: String) {
        // What is wrong with its form may have made it another type.
        if node.isTruncated { return }
        let found =
            switch node.content {
            case .scalar(let text, _): quoted(text)
            case .sequence: "a list"
            case .mapping: "a mapping"
            case .invalid: "nothing"
            }
        let hint: String? =
            switch node.content {
            case .scalar(let text, _) where wanted.hasPrefix("a list") && text.utf8.count <= 60:
                "write [\(YAMLScalar.text(text, inFlow: true))]"
            default: nil
            }
        diagnostics.add(
            "\(key.map { "'\($0)'" } ?? "this") must be \(wanted), not \(found)", at: node.location,
            hint: hint)
    }
}

extension Substring {
    /// Without `suffix` at the end: a sentence becomes part of one.
    fileprivate func trimmingSuffix(_ suffix: Character) -> Substring { last == suffix ? dropLast() : self }
}

extension Field {
    /// What to add where the key is missing.
    fileprivate var example: String {
        switch shape {
        case .word(let vocabulary) where vocabulary.words.count == 1: "add '\(key): \(vocabulary.words[0])'"
        default:
            "add '\(key):', \(summary.prefix(1).lowercased())\(summary.dropFirst().trimmingSuffix("."))"
        }
    }
}
