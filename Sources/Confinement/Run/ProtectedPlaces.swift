internal import Compiler
internal import Policy

/// Places that a confined command of the same user must not write: what it puts there would be believed by the next
/// run.
enum ProtectedPlaces {
    /// Where they are for the user of a host.
    static func of(_ host: HostEnvironment) -> [String] {
        host.policyPath.filter { $0.hasPrefix("/") } + [host.cacheDirectory].compactMap { $0 }
    }

    /// Denies them in a policy of options that only deny: it grants everything else.
    static func protect(_ policy: inout Policy, _ places: [String]) {
        guard policy.files?.defaultVerdict == .allow, let location = policy.files?.location else { return }
        policy.files?.rules.append(
            FileRule(
                header: RuleHeader(
                    id: "protected", verdict: .deny, reason: "what stands there is believed by the next run",
                    location: location),
                accesses: [.write, .create, .remove],
                patterns: places.map { Located(PathPattern(subtree: Array($0.utf8)), at: location) }))
    }

    /// What `policy` grants of them, as findings that refuse.
    static func findings(
        in policy: Policy, cacheDirectory: String?, policyPath: [String]
    ) -> [Coverage.Finding] {
        guard policy.mode == .enforce else { return [] }
        var places = policyPath.filter { $0.hasPrefix("/") }.map { ("the policy path", $0) }
        if let cacheDirectory { places.append(("the cache of compiled policies", cacheDirectory)) }
        return places.compactMap { meaning, place in
            guard let rule = grant(of: place, in: policy) else { return nil }
            return Coverage.Finding(
                .excess, section: "files", subject: rule.id, location: rule.location,
                text:
                    "grants write on \(place), \(meaning): the command could change what the next run believes"
            )
        }
    }

    /// The rule that lets something be written or made at `place`, beneath it, or in its stead.
    private static func grant(of place: String, in policy: Policy) -> DecidingRule? {
        // Without the section nothing is mediated; who runs that has no protected files at all.
        guard let section = policy.files else { return nil }
        let paths = spellings(of: Array(place.utf8))
        for rule in section.rules where rule.header.verdict == .allow {
            guard !rule.accesses.isDisjoint(with: [.write, .create]) else { continue }
            for path in paths where rule.patterns.contains(where: { reaches($0.value, path) }) {
                if !isDenied(path, in: section) {
                    return DecidingRule(id: rule.header.id, location: rule.header.location)
                }
            }
        }
        if section.defaultVerdict == .allow, paths.contains(where: { !isDenied($0, in: section) }) {
            return DecidingRule(id: "files.default", location: section.location)
        }
        return nil
    }

    /// The place as named and as resolved, as far as it exists.
    private static func spellings(of place: [UInt8]) -> [[UInt8]] {
        var existing = place[...]
        while !existing.isEmpty {
            if let real = HostEnvironment.realPath(Array(existing)) {
                let resolved = (real == [UInt8(ascii: "/")] ? [] : real) + place[existing.endIndex...]
                return resolved == place ? [place] : [place, resolved]
            }
            existing = existing[..<(existing.lastIndex(of: UInt8(ascii: "/")) ?? existing.startIndex)]
        }
        return [place]
    }

    private static func reaches(_ pattern: PathPattern, _ path: [UInt8]) -> Bool {
        var match = PatternMatch(pattern)
        match.advance(path)
        return match.isMatch || match.reachesBeneath
    }

    private static func isDenied(_ path: [UInt8], in section: FilesSection) -> Bool {
        section.rules.contains { rule in
            rule.header.verdict == .deny && rule.decidedAccesses.isSuperset(of: [.write, .create])
                && rule.patterns.contains { pattern in
                    var match = PatternMatch(pattern.value)
                    match.advance(path)
                    return match.coversSubtree
                }
        }
    }
}
