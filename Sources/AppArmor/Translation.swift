public import Policy

/// A profile of AppArmor as a policy, with what could not be translated.
///
/// Where the language says less than the profile the policy grants less: what is left out is a warning. Where it
/// would grant more, that is an error, and the policy is not to be used; `allowingPartial` grants it, and warns.
public struct ProfileTranslation {
    /// nil: the text cannot be read, or it is not said which of its profiles is meant.
    public private(set) var policy: Policy?
    /// Everything that there is to say, errors first to read.
    public private(set) var diagnostics: [Diagnostic] = []

    /// Translates one profile of `bytes`, which were in `file`: the one called `profile`, or the only one.
    ///
    /// `base` is where its includes are looked up, `name` what the policy is called; without it, as the profile.
    public init(
        _ bytes: [UInt8], file: String, files: any ProfileFiles, base: String = "/etc/apparmor.d",
        profile: String? = nil, name: String? = nil, allowingPartial: Bool = false
    ) {
        do throws(ProfileError) {
            var reader = ProfileReader(files: files, base: base)
            try reader.read(bytes, file: file)
            let found = try Self.choose(profile, of: reader.profiles, file: file)
            var translator = Translator(
                profile: found, variables: reader.variables, isPartialAllowed: allowingPartial)
            policy = translator.translate(name: name, file: file)
            diagnostics = translator.diagnostics
        } catch {
            diagnostics = [error.diagnostic]
        }
    }

    private static func choose(
        _ name: String?, of profiles: [Profile], file: String
    ) throws(ProfileError) -> Profile {
        let place = SourceLocation(file: file, line: 1)
        let names = profiles.map { $0.name }.joined(separator: ", ")
        if let name {
            if let profile = profiles.first(where: { $0.name == name }) { return profile }
            throw ProfileError("there is no profile '\(name)'", at: place, hint: "there are: \(names)")
        }
        guard let profile = profiles.first else { throw ProfileError("there is no profile", at: place) }
        if profiles.count > 1 {
            throw ProfileError(
                "there are \(profiles.count) profiles, and a policy is one", at: place,
                hint: "choose with --profile one of: \(names)")
        }
        return profile
    }
}

/// Translates one profile, section by section.
struct Translator {
    let profile: Profile
    let variables: ProfileVariables
    /// Whether more may be granted than the profile does.
    let isPartialAllowed: Bool
    var diagnostics: [Diagnostic] = []

    init(profile: Profile, variables: ProfileVariables, isPartialAllowed: Bool) {
        self.profile = profile
        self.variables = variables
        self.isPartialAllowed = isPartialAllowed
    }

    mutating func translate(name: String?, file: String) -> Policy {
        // Every rule is printed with the place that it comes from.
        var policy = Policy(name: name ?? Self.policyName(profile.name), file: "")
        policy.description = "AppArmor profile \(DiagnosticFormatter.printable(profile.name))"
        translateFlags(&policy)
        translateAttachment(&policy)
        for child in profile.children {
            note(
                "the profile '\(child.text)' within this one is left out", at: child.location,
                severity: .warning)
        }
        policy.capabilities = capabilities()
        let network = networkGrants()
        policy.network = network.section(at: profile.location)
        policy.operations = operations(with: network)
        policy.files = files(policy.capabilities)
        note(
            "locks, stat, readlink and D-Bus are not mediated here; a path that AppArmor holds against files alone "
                + "is held against directories, too",
            at: profile.location, severity: .note)
        return policy
    }

    // MARK: What cannot be translated

    mutating func note(
        _ text: String, at location: SourceLocation, severity: Diagnostic.Severity, hint: String? = nil
    ) {
        let said = Diagnostic(text, at: location, severity: severity, hint: hint)
        // Several patterns of one path are one matter.
        if diagnostics.last != said { diagnostics.append(said) }
    }

    /// Something is left out, and so denied.
    mutating func leaveOut(_ rule: ProfileRule, _ reason: String) {
        note("'\(rule.statement.text)' is left out: \(reason)", at: rule.location, severity: .warning)
    }

    /// A rule can only be had with more granted than it says: whether that is to be.
    mutating func isWidened(_ rule: ProfileRule, _ reason: String) -> Bool {
        if isPartialAllowed {
            note(
                "'\(rule.statement.text)' grants more here: \(reason)", at: rule.location, severity: .warning)
        } else {
            note(
                "'\(rule.statement.text)' is left out: \(reason)", at: rule.location, severity: .warning,
                hint: "to grant it all the same: --allow-partial")
        }
        return isPartialAllowed
    }

    /// A denial or a limit is lost: without it the policy grants more than the profile.
    mutating func lose(_ rule: ProfileRule, _ reason: String) {
        note(
            "'\(rule.statement.text)' cannot be translated: \(reason)", at: rule.location,
            severity: isPartialAllowed ? .warning : .error,
            hint: isPartialAllowed ? nil : "to do without it: --allow-partial")
    }

    // MARK: The profile itself

    private static func policyName(_ name: String) -> String {
        let letters = name.lowercased().utf8.map { byte in
            let isKept =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            return isKept ? Character(Unicode.Scalar(byte)) : "-"
        }
        let parts = String(letters).split(separator: "-")
        let joined = String(parts.joined(separator: "-").prefix(63))
        return joined.isEmpty ? "profile" : joined
    }

    private mutating func translateFlags(_ policy: inout Policy) {
        for flag in profile.flags {
            switch flag.text {
            case "complain": policy.mode = .complain
            case "enforce": break
            case "attach_disconnected", "mediate_deleted", "chroot_relative":
                note(
                    "the flag '\(flag.text)' is left out: a path that cannot be told is denied here",
                    at: flag.location, severity: .warning)
            default:
                note(
                    "the flag '\(flag.text)' cannot be translated", at: flag.location,
                    severity: isPartialAllowed ? .warning : .error,
                    hint: isPartialAllowed ? nil : "to do without it: --allow-partial")
            }
        }
    }

    private mutating func translateAttachment(_ policy: inout Policy) {
        guard let attachment = profile.attachment else {
            note(
                "the profile is put on nothing by itself: the policy has no subjects, and is for 'swguard run'",
                at: profile.location, severity: .note)
            return
        }
        do throws(ProfileError) {
            let patterns = try ProfilePattern.expand(attachment, variables)
            policy.subjects = patterns.map { Located(.exec($0.pathPattern), at: attachment.location) }
        } catch {
            diagnostics.append(error.diagnostic)
        }
    }

    // MARK: Capabilities and operations

    private mutating func capabilities() -> ListSection<Capability> {
        var section = ListSection<Capability>(location: profile.location)
        for rule in profile.rules {
            guard case .capability(let words) = rule.kind else { continue }
            func entry(_ capability: Capability?) -> ListEntry<Capability> {
                ListEntry(header: header(rule, section: "capabilities"), item: capability)
            }
            if words.isEmpty { section.entries.append(entry(nil)) }
            for word in words {
                if let capability = Capability(name: word.text) {
                    section.entries.append(entry(capability))
                } else if rule.isDeny {
                    lose(rule, "there is no capability '\(word.text)'")
                } else {
                    leaveOut(rule, "there is no capability '\(word.text)'")
                }
            }
        }
        return section
    }

    /// What AppArmor does not mediate is granted but where it would lead out of the confinement; `signal`, `ptrace`
    /// and `mount` are translated where they are whole.
    private mutating func operations(with network: NetworkGrants) -> ListSection<Operation> {
        var granted = Set(Operation.allCases.filter { $0.defaultRule == .sectionDefault && $0 != .signal })
        if !network.grantsRawSockets { granted.remove(.rawSocket) }
        for rule in profile.rules {
            guard case .other(let name, let conditions) = rule.kind, name != "unix" else { continue }
            let operation = Self.operations[name]
            if !rule.isDeny, Self.isAlwaysGranted(conditions) { continue }
            switch (operation, rule.isDeny, !conditions.isEmpty) {
            case (let operation?, false, false): granted.insert(operation)
            case (let operation?, true, false): granted.remove(operation)
            case (nil, _, _) where name == "set" || name == "rlimit":
                lose(rule, "limits are not the policy's")
            // Where nothing is granted of it a denial of a part is no loss.
            case (let operation?, true, true):
                if granted.contains(operation) { lose(rule, "'\(name)' has no conditions here") }
            case (nil, true, _): break
            case (_?, false, true): leaveOut(rule, "'\(name)' has no conditions here")
            case (nil, false, _): leaveOut(rule, "'\(name)' cannot be translated")
            }
        }
        return ListSection(
            entries: Operation.allCases.filter(granted.contains).map { operation in
                let header = RuleHeader(id: "operations.allow", verdict: .allow, location: profile.location)
                return ListEntry(header: header, item: operation)
            }, location: profile.location)
    }

    /// Whether a rule speaks of being the target, which nobody asks here, or of processes under the same profile, whose
    /// processes under the same policy may always be reached.
    private static func isAlwaysGranted(_ conditions: [Word]) -> Bool {
        conditions.contains {
            ["(receive)", "(readby)", "(tracedby)", "peer=@{profile_name}"].contains($0.text)
        }
    }

    private static let operations: [String: Operation] = [
        "signal": .signal, "ptrace": .ptrace, "mount": .mount,
    ]

    /// AppArmor is silent about what it was told to deny, and about what it grants, unless told to speak.
    func header(_ rule: ProfileRule, section: String) -> RuleHeader {
        RuleHeader(
            id: "\(section).rules", verdict: rule.isDeny ? .deny : .allow, log: rule.isAudit,
            location: rule.location)
    }
}
