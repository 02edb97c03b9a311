/// The keys of a policy, version 1. One declaration: the decoder checks against it, editors get it as JSON Schema.
enum PolicyShape {
    static let document = ObjectShape(
        "a policy",
        [
            Field(
                "apiVersion", "The version of the language.", .word(Vocabulary("apiVersion", ["swguard/v1"])),
                isRequired: true),
            Field("kind", "What the document is.", .word(Vocabulary("kind", ["Policy"])), isRequired: true),
            Field("metadata", "The policy's name and what it is for.", .object(metadata), isRequired: true),
            Field(
                "include",
                "Other policies whose rules stand in front of these: NAME.yaml beside this file, or on the policy path.",
                .list(ListShape(of: .text(includeName)))),
            Field(
                "mode", "enforce carries denials out; complain only reports them.",
                .word(Vocabulary("mode", ["enforce", "complain"]))),
            Field(
                "subjects", "Whom the host agent confines; swguard run ignores it.",
                .list(ListShape(of: .object(subject)))),
            Field(
                "files", "Access to files. Absent: not mediated. {}: everything is denied.", .object(files)),
            Field("network", "Sockets. Absent: not mediated. {}: everything is denied.", .object(network)),
            Field(
                "capabilities", "Capabilities of the kernel.",
                .object(listSection("capability", capabilities))),
            Field(
                "operations", "What the kernel does that has no object name.",
                .object(listSection("operation", operations))),
            Field("syscalls", "System calls, by name and group.", .object(syscalls)),
            Field(
                "tests", "What the policy is expected to say; run by swguard test.",
                .list(ListShape(of: .object(test)))),
        ])

    // MARK: Head

    private static let metadata = ObjectShape(
        "metadata",
        [
            Field(
                "name", "The policy's name: a-z, 0-9 and '-', at most 63.",
                .text(
                    TextShape(
                        "a policy name", pattern: "^[a-z0-9-]{1,63}$",
                        hint: "use a-z, 0-9 and '-', 1 to 63 characters"
                    ) {
                        (1...63).contains($0.utf8.count)
                            && $0.utf8.allSatisfy { isLowerOrDigit($0) || $0 == 0x2d }
                    }),
                isRequired: true),
            Field("description", "What the policy is for.", .text(TextShape("a description"))),
        ])

    static let includeName = TextShape(
        "the name of a policy", pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$",
        hint: "write it as in base/runtime: no '..', no '/' to begin with, no '.yaml'"
    ) { name in
        !name.hasSuffix(".yaml")
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { component in
                guard let first = component.utf8.first, isNameByte(first), component.utf8.count <= 200 else {
                    return false
                }
                return component.utf8.allSatisfy { isNameByte($0) || $0 == 0x2d || $0 == 0x2e }
            }
    }

    private static let subject = ObjectShape(
        "a subject",
        [
            Field("exec", "Processes that executed this file.", .text(path)),
            Field(
                "unit", "Processes of this systemd unit.",
                .text(
                    TextShape(
                        "the name of a unit",
                        pattern: "^[A-Za-z0-9:_.@\\\\-]+\\.(service|scope|slice|socket|mount|swap)$",
                        hint: "write it with its type: nginx.service"
                    ) { isUnitName($0) })),
            Field("cgroup", "Processes of this control group.", .text(path)),
            Field(
                "user", "Processes of this user: a name or a number.",
                .text(
                    TextShape(
                        "a user", pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*[$]?$",
                        hint: "write a name or a number"
                    ) { isUserName($0) })),
        ],
        [.exactlyOne(["exec", "unit", "cgroup", "user"])])

    // MARK: Rules

    private static func sectionDefault(_ what: String) -> Field {
        Field(
            "default", "The verdict on what no rule of \(what) covers: deny, unless written.",
            .word(Vocabulary("verdict", ["allow", "deny"])))
    }

    /// The keys that every rule may have.
    private static let header = [
        Field(
            "id", "The rule's name; its place, such as files.rules[2], unless written.",
            .text(
                TextShape(
                    "a rule id", pattern: ruleID,
                    hint: "use a-z, 0-9, '.', '_' and '-', at most 63, a letter or digit first"
                ) { isRuleID($0) })),
        Field("reason", "Shown to whoever is denied.", .text(TextShape("a reason"))),
        Field(
            "log", "Whether decisions are reported: true for deny and false for allow, unless written.", .flag
        ),
        Field(
            "coarse", "Grant what a layer of the kernel sees, where that is less than the rule says.", .flag),
    ]

    /// What holds for every rule.
    private static let ruleConstraints: [ObjectShape.Constraint] = [
        .exactlyOne(["allow", "deny"]),
        .excludes("coarse", "deny", why: "only an allow can be coarse: a coarse deny would deny more"),
    ]

    private static let files = ObjectShape(
        "files",
        [
            sectionDefault("files"),
            Field(
                "rules", "Which accesses to which paths.",
                .list(
                    ListShape(
                        of: .object(
                            ObjectShape(
                                "a rule",
                                [
                                    Field("allow", "The accesses that are granted, or all.", accesses),
                                    Field("deny", "The accesses that are denied, or all.", accesses),
                                    Field(
                                        "paths", "Patterns of absolute paths.",
                                        .list(ListShape(of: .text(path))), isRequired: true),
                                ] + header, ruleConstraints)), mayBeEmpty: true))),
        ])

    private static let fileAccess = Vocabulary("access", FileAccess.allCases.map(\.name))
    private static let accesses = Shape.list(ListShape(of: .word(fileAccess), mayBeAll: true))

    private static let network = ObjectShape(
        "network",
        [
            sectionDefault("network"),
            Field(
                "families",
                "The sockets that may be created: unix, inet, inet6 and netlink:route, unless written.",
                .list(
                    ListShape(
                        of: .word(
                            Vocabulary(
                                "socket family", SocketFamily.words,
                                hint: "the names are AF_* in lower case, such as unix, inet, packet, vsock")),
                        mayBeEmpty: true))),
            Field(
                "rules", "Which accesses to which endpoints.",
                .list(
                    ListShape(
                        of: .object(
                            ObjectShape(
                                "a rule",
                                [
                                    Field("allow", "The accesses that are granted, or all.", networkAccesses),
                                    Field("deny", "The accesses that are denied, or all.", networkAccesses),
                                    Field(
                                        "endpoints",
                                        "tcp:HOST:PORT, udp:HOST:PORT, ip:HOST:PORT, unix:/PATH, unix:@NAME.",
                                        .list(ListShape(of: .text(endpoint))), isRequired: true),
                                ] + header, ruleConstraints)), mayBeEmpty: true))),
        ])

    private static let networkAccess = Vocabulary("access", NetworkAccess.allCases.map(\.name))
    private static let networkAccesses = Shape.list(ListShape(of: .word(networkAccess), mayBeAll: true))

    private static let capabilities = Vocabulary(
        "capability", Capability.allCases.map(\.name),
        hint: "the names are those of capabilities(7), in lower case and without CAP_")
    private static let operations = Vocabulary("operation", Operation.allCases.map(\.name))

    private static func listSection(_ item: String, _ vocabulary: Vocabulary) -> ObjectShape {
        ObjectShape(
            vocabulary.label == "capability" ? "capabilities" : "operations",
            [
                Field(
                    "default", "The verdict on what no list names: deny, unless written.",
                    .word(Vocabulary("verdict", ["allow", "deny"]))),
                Field(
                    "allow", "What is granted, or all.",
                    .list(ListShape(of: .word(vocabulary), mayBeEmpty: true, mayBeAll: true))),
                Field(
                    "deny", "What is denied, or all.",
                    .list(ListShape(of: .word(vocabulary), mayBeAll: true))),
            ])
    }

    private static let syscalls = ObjectShape(
        "syscalls",
        [
            sectionDefault("syscalls"),
            Field(
                "architectures", "The ABIs that may be used: the native one, unless written.",
                .list(
                    ListShape(
                        of: .word(
                            Vocabulary(
                                "architecture", ["x86_64", "i386", "x32", "aarch64", "arm", "riscv64"]))))),
            Field(
                "rules", "Which system calls.",
                .list(
                    ListShape(
                        of: .object(
                            ObjectShape(
                                "a rule",
                                [
                                    Field("allow", "Names, name?, @groups, or all.", selectors),
                                    Field("deny", "Names, name?, @groups, or all.", selectors),
                                    Field(
                                        "when", "Conditions on arguments; all must hold.",
                                        .list(ListShape(of: .text(condition)))),
                                    Field(
                                        "action", "What a denied call does: errno:EPERM, unless written.",
                                        .text(
                                            TextShape("an action", pattern: "^(kill|errno:[A-Z][A-Z0-9]*)$"))),
                                ] + header,
                                ruleConstraints + [
                                    .excludes("action", "allow", why: "only a denied call has an action"),
                                    .onlyNames("when", in: ["allow", "deny"]),
                                ])), mayBeEmpty: true))),
        ])

    private static let selectors = Shape.list(
        ListShape(
            of: .text(TextShape("a system call", pattern: "^(@[a-z0-9-]+|[a-z0-9_]+[?]?)$")), mayBeAll: true))

    private static let condition = TextShape(
        "a condition", pattern: "^ *arg[0-5] *(==|!=|<|<=|>|>=|& *[^ &]+ *==) *[^ ]+ *$")

    private static let path = TextShape("a path", pattern: "^(/|\\{|\\$\\{(HOME|CWD|TMPDIR|RUNTIME)\\})")

    private static let endpoint = TextShape(
        "an endpoint",
        pattern:
            "^(tcp|udp|ip):(\\*|[0-9.]+(/[0-9]+)?|\\[[0-9A-Fa-f:.]+\\](/[0-9]+)?):(\\*|[0-9]+(-[0-9]+)?)$"
            + "|^unix:(@|/|\\{|\\$\\{(HOME|CWD|TMPDIR|RUNTIME)\\})")

    // MARK: Tests

    private static let test = ObjectShape(
        "a test",
        [
            Field("allow", "A request that is to be granted.", .object(request)),
            Field("deny", "A request that is to be denied.", .object(request)),
        ],
        [.exactlyOne(["allow", "deny"])])

    private static let request = ObjectShape(
        "a request",
        [
            Field("file", "A path as the kernel would resolve it.", .text(path)),
            Field("access", "The accesses asked for.", .list(ListShape(of: .word(fileAccess)))),
            Field("connect", "One address to connect to.", .text(endpoint)),
            Field("bind", "One address to bind to.", .text(endpoint)),
            Field("listen", "One address to listen on.", .text(endpoint)),
            Field("capability", "A capability.", .word(capabilities)),
            Field("operation", "An operation.", .word(operations)),
            Field(
                "syscall", "A system call.", .text(TextShape("a system call", pattern: "^[a-z0-9_]+$"))),
            Field(
                "args", "Its arguments, up to six; those that are left out are 0.",
                .list(ListShape(of: .text(TextShape("a number")), mayRepeat: true))),
            Field(
                "rule", "The id of the rule that must decide.",
                .text(
                    TextShape("a rule id", pattern: ".", hint: "name a rule, or leave the key out") {
                        !$0.isEmpty
                    })),
        ],
        [
            .exactlyOne(["file", "connect", "bind", "listen", "capability", "operation", "syscall"]),
            .needs("file", "access", why: "name the accesses asked for: access: [read]"),
            .needs("access", "file", why: "only files are asked for accesses"),
            .needs("args", "syscall", why: "only system calls have arguments"),
        ])

    // MARK: Grammars

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f
    }

    /// What a rule may be called, but for what is built in.
    private static let ruleID: String = {
        let taken = BuiltInRules.ids.map { $0.replacing(".", with: "[.]") }.joined(separator: "|")
        return "^(?!(\(taken))$)[a-z0-9][a-z0-9._-]{0,62}$"
    }()

    /// `[a-z0-9][a-z0-9._-]{0,62}`
    static func isRuleID(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLowerOrDigit(first), text.utf8.count <= 63 else { return false }
        return text.utf8.allSatisfy { isLowerOrDigit($0) || "._-".utf8.contains($0) }
    }

    private static func isUnitName(_ text: String) -> Bool {
        let types = [".service", ".scope", ".slice", ".socket", ".mount", ".swap"]
        guard let type = types.first(where: { text.hasSuffix($0) }), text.utf8.count > type.utf8.count else {
            return false
        }
        return text.utf8.count <= 255 && text.utf8.allSatisfy { isNameByte($0) || ":.@\\-".utf8.contains($0) }
    }

    private static func isUserName(_ text: String) -> Bool {
        let body = text.hasSuffix("$") ? text.dropLast() : Substring(text)
        guard let first = body.utf8.first, isNameByte(first) else { return false }
        return body.utf8.allSatisfy { isNameByte($0) || $0 == 0x2d || $0 == 0x2e }
    }
}
