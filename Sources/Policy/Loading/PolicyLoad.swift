/// One load: the files that were read so far, and what was found in them.
struct PolicyLoad {
    /// A file of the load, decoded: its own rules, and the files that it includes.
    final class Unit {
        let policy: Policy
        /// The name by which it was first included; nil for the policy itself.
        let name: String?
        var includes: [(include: Located<String>, unit: Unit)] = []

        init(_ policy: Policy, name: String?) {
            self.policy = policy
            self.name = name
        }
    }

    private let loader: PolicyLoader
    private let diagnostics = Diagnostics()
    private var inputs: [PolicyInput] = []
    private var missing: [String] = []
    /// By identity.
    private var units: [String: Unit] = [:]
    /// The include names that were given out, and the file of each: a rule's id must say which file it is in.
    private var files: [String: String] = [:]
    /// The files being read, from the policy itself inwards.
    private var stack: [(identity: String, name: String)] = []
    private var patternBudget = PathPattern.expansionLimit
    /// Whether the policy itself has subjects: then no file of it may use variables.
    private var hasSubjects = false

    init(_ loader: PolicyLoader) { self.loader = loader }

    // MARK: Finding

    /// The file that a user named, and what it is called.
    mutating func find(_ reference: String) throws(PolicyFileError) -> (path: String, file: PolicyFile) {
        if reference == "-" {
            return ("-", PolicyFile(bytes: try loader.files.readStandardInput(), identity: "-"))
        }
        if reference.contains("/") || reference.hasSuffix(".yaml") {
            return (reference, try loader.files.read(reference))
        }
        guard !reference.contains("\0"), PolicyShape.includeName.accepts?(reference) == true else {
            throw PolicyFileError("'\(reference)' is not the name of a policy")
        }
        if let found = try find(reference, in: loader.searchPath) { return found }
        throw PolicyFileError("there is none in \(loader.searchPath.joined(separator: ", "))")
    }

    private mutating func find(
        _ name: String, in directories: [String]
    ) throws(PolicyFileError) -> (path: String, file: PolicyFile)? {
        for directory in directories {
            let path =
                directory == "."
                ? "\(name).yaml" : directory == "/" ? "/\(name).yaml" : "\(directory)/\(name).yaml"
            do throws(PolicyFileError) {
                return (path, try loader.files.read("\(name).yaml", beneath: directory))
            } catch {
                // A file that is there and cannot be read ends the search: a later one is another policy.
                if !error.isMissing { throw PolicyFileError("\(path): \(error.reason)") }
                missing.append(path)
            }
        }
        return nil
    }

    // MARK: Reading

    /// Reads the policy itself; nil where it is not YAML.
    mutating func read(_ file: PolicyFile, as path: String, directory: String?) -> Unit? {
        stack.append((file.identity, path))
        defer { stack.removeLast() }
        guard let policy = decode(file, as: path, isIncluded: false) else { return nil }
        let unit = Unit(policy, name: nil)
        units[file.identity] = unit
        readIncludes(of: unit, directory: directory)
        return unit
    }

    /// A policy without text, and the files that it includes.
    mutating func include(into policy: Policy) -> Unit {
        hasSubjects = !policy.subjects.isEmpty
        let unit = Unit(policy, name: nil)
        stack.append(("", policy.file))
        readIncludes(of: unit, directory: nil)
        return unit
    }

    private mutating func decode(_ file: PolicyFile, as path: String, isIncluded: Bool) -> Policy? {
        inputs.append(PolicyInput(path: path, bytes: file.bytes, identity: file.identity))
        let text = SourceText(file: path, bytes: file.bytes)
        diagnostics.enter(text)
        let key = DecodedIncludes.Key(path: path, bytes: file.bytes, mayUseVariables: !hasSubjects)
        if isIncluded, let known = loader.includes[key], known.expansions <= patternBudget {
            patternBudget -= known.expansions
            return known.policy
        }
        let before = (said: diagnostics.count, budget: patternBudget)
        guard let root = YAMLReader.read(text, diagnostics) else { return nil }
        ShapeCheck(diagnostics: diagnostics).check(root, .object(PolicyShape.document), key: nil)
        let ownSubjects = root["subjects"] != nil
        if !isIncluded { hasSubjects = ownSubjects }
        let scope: VariableScope =
            hasSubjects || ownSubjects
            ? .forbidden("variables are for 'swguard run'; a policy with 'subjects' is for every process")
            : .values(loader.variables)
        var decoder = PolicyDecoder(
            text: text, vocabulary: loader.vocabulary, variables: scope, diagnostics: diagnostics,
            patternBudget: patternBudget)
        let policy = decoder.decode(root)
        patternBudget = decoder.patternBudget
        // What stands before a syntax error was read for its diagnostics alone.
        if root.isTruncated { return nil }
        if isIncluded, diagnostics.count == before.said {
            loader.includes[key] = DecodedIncludes.Decoded(
                policy: policy, expansions: before.budget - patternBudget)
        }
        return policy
    }

    private mutating func readIncludes(of unit: Unit, directory: String?) {
        for include in unit.policy.includes {
            guard PolicyShape.includeName.accepts?(include.value) == true else { continue }
            let beside = directory.map { [$0] } ?? []
            do throws(PolicyFileError) {
                guard let found = try find(include.value, in: beside + loader.searchPath) else {
                    diagnostics.add(
                        "no policy \(quoted(include.value))", at: include.location,
                        hint: "looked for \(include.value).yaml in "
                            + (beside + loader.searchPath).joined(separator: ", "))
                    continue
                }
                read(found.file, as: found.path, include: include, into: unit)
            } catch {
                diagnostics.add(
                    "cannot read the include \(quoted(include.value)): \(error.reason)", at: include.location)
            }
        }
    }

    private mutating func read(
        _ file: PolicyFile, as path: String, include: Located<String>, into parent: Unit
    ) {
        if let index = stack.firstIndex(where: { $0.identity == file.identity }) {
            let cycle = stack[index...].map(\.name) + [include.value]
            diagnostics.add(
                "an include cycle: \(cycle.joined(separator: ", "))", at: include.location,
                hint: "a policy cannot include itself")
            return
        }
        if let unit = units[file.identity] {
            parent.includes.append((include, unit))
            return
        }
        if let other = files[include.value] {
            diagnostics.add(
                "\(quoted(include.value)) is two files: \(other) and \(path)", at: include.location,
                hint: "give one of them another name: rules are called by it")
            return
        }
        if units.count(where: { $0.value.name != nil }) >= PolicyLoader.includeLimit {
            diagnostics.add("more than 32 includes", at: include.location)
            return
        }
        // The policy itself is on the stack too.
        if stack.count > PolicyLoader.depthLimit {
            diagnostics.add("includes are more than 8 deep", at: include.location)
            return
        }
        stack.append((file.identity, include.value))
        defer { stack.removeLast() }
        files[include.value] = path
        guard let policy = decode(file, as: path, isIncluded: true) else { return }
        let unit = Unit(policy, name: include.value)
        units[file.identity] = unit
        parent.includes.append((include, unit))
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        readIncludes(of: unit, directory: directory)
    }

    // MARK: Results

    /// What came of it all.
    func finish(_ unit: Unit?) -> LoadedPolicy {
        var policy: Policy?
        if let unit {
            let merged = PolicyMerge.merge(unit, diagnostics)
            // Fail closed: with one error there is no policy.
            if !diagnostics.hasErrors { policy = merged }
        }
        return LoadedPolicy(
            policy: policy, diagnostics: diagnostics.sorted(), inputs: inputs, missing: missing,
            unreadable: nil)
    }

    /// Nothing, for `reason`.
    func unreadable(_ reason: String) -> LoadedPolicy {
        LoadedPolicy(policy: nil, diagnostics: [], inputs: [], missing: missing, unreadable: reason)
    }
}
