import Policy

// Which rule and which of its patterns to blame where more rules are needed than are made.
extension LoweringContext {
    /// Refuses a recipe of too many rules, at the pattern that most of them are for.
    mutating func checkRuleLimit() {
        let (paths, ports) = (result.recipe.grants.count, result.recipe.ports.count)
        guard paths + ports > LandlockRecipe.maximumRules else { return }
        let needed = "\(paths + ports) rules are needed, at most \(LandlockRecipe.maximumRules) are made"
        if ports > paths, let blamed = widestPorts {
            return find(
                .impossible, "network", blamed.header.id, blamed.location,
                "\(needed): \(blamed.ports.count) for \(blamed.text); grant fewer ports, or all of them")
        }
        guard let blamed = mostPaths else {
            return find(.impossible, "files", "files.rules", policy.files?.location, needed)
        }
        let (origin, count) = blamed
        let (text, location) = mostPatterns(of: origin) ?? ("\(count) names", origin.location)
        find(
            .impossible, origin.section, origin.subject, location,
            "\(needed): \(count) for this rule, most of them for \(text); grant directories")
    }

    /// The endpoint with the most ports, of those that Landlock grants one by one.
    private var widestPorts: TransportRules.Entry? {
        guard let section = policy.network else { return nil }
        return [NetworkAccess.bind, .connect].map { TransportRules(section, .tcp, $0) }
            .filter { $0.ports != .all }.compactMap(\.widest).max { $0.ports.count < $1.ports.count }
    }

    /// What most of the paths are granted for, and how many.
    private var mostPaths: (origin: LandlockRecipe.Origin, count: Int)? {
        var counts: [Int: Int] = [:]
        for grant in result.recipe.grants { counts[grant.origin, default: 0] += 1 }
        let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
        return most.map { (builder.origins[$0.key], $0.value) }
    }

    /// The pattern as written that became most patterns of a rule, by its first, and its place.
    private func mostPatterns(of origin: LandlockRecipe.Origin) -> (text: String, location: SourceLocation)? {
        guard origin.section == "files",
            let rule = policy.files?.rules.first(where: { $0.header.id == origin.subject })
        else { return nil }
        let written = Dictionary(grouping: rule.patterns, by: \.location)
        guard let most = written.max(by: { $0.value.count < $1.value.count }), let first = most.value.first
        else { return nil }
        let more = most.value.count - 1
        let text = first.value.description
        return (more == 0 ? text : "\(text) and \(more) more like it", most.key)
    }
}
