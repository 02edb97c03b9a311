/// From a difference to a small one: as long as leaving something out leaves a difference, it is left out.
extension OracleGuest {
    /// A case that the kernel decides otherwise, and little else.
    mutating func shrink(_ difference: Difference) throws -> String {
        var batch = difference.batch
        var what = difference.what
        // The request alone; else all of them.
        if let trial = difference.trial {
            var alone = batch
            alone.trials = [batch.trials[trial]]
            if let found = try decide([alone]).differences.first {
                batch = alone
                what = found.what
            }
        }
        // Another difference is none that this one comes to.
        let hasTrial = difference.trial != nil
        var steps = 0
        var isSmaller = true
        while isSmaller, steps < 60 {
            isSmaller = false
            for candidate in batch.smaller where steps < 60 {
                steps += 1
                guard (try? candidate.expectation()) != nil else { continue }
                let found = try decide([candidate]).differences.first { ($0.trial != nil) == hasTrial }
                guard let found else { continue }
                batch = candidate
                what = found.what
                isSmaller = true
                break
            }
        }
        let policies = batch.policies.map {
            RunningAgent.document($0.name, $0.sections(program: batch.program))
        }
        let calls = batch.trials.map(\.call).prefix(120).joined(separator: "\n")
        return "\(what)\n\(policies.joined(separator: "---\n"))\(calls)"
    }
}

extension OracleBatch {
    /// Itself with one thing left out, larger things first.
    var smaller: [OracleBatch] {
        var found: [OracleBatch] = []
        if trials.count > 1 {
            for half in [trials.prefix(trials.count / 2), trials.suffix(trials.count / 2)] {
                var batch = self
                batch.trials = Array(half)
                found.append(batch)
            }
        }
        for index in policies.indices {
            if policies.count > 1 {
                var batch = self
                batch.policies.remove(at: index)
                found.append(batch)
            }
            for policy in policies[index].smaller {
                var batch = self
                batch.policies[index] = policy
                found.append(batch)
            }
        }
        return found
    }
}

extension OraclePolicy {
    /// Itself with one thing left out.
    var smaller: [OraclePolicy] {
        var found: [OraclePolicy] = []
        func change(_ edit: (inout OraclePolicy) -> Void) {
            var policy = self
            edit(&policy)
            if policy != self { found.append(policy) }
        }
        change { $0.files = nil }
        change { $0.network = nil }
        change { $0.operations = nil }
        change { $0.capabilities = nil }
        change { $0.complains = false }
        for section in [\OraclePolicy.files, \.network] {
            let rules = self[keyPath: section]?.rules ?? []
            for (number, rule) in rules.enumerated() {
                change { $0[keyPath: section]?.rules.remove(at: number) }
                for object in rule.objects.indices where rule.objects.count > 1 {
                    change { $0[keyPath: section]?.rules[number].objects.remove(at: object) }
                }
                for access in rule.accesses.indices where rule.accesses.count > 1 {
                    change { $0[keyPath: section]?.rules[number].accesses.remove(at: access) }
                }
            }
        }
        for list in [\OraclePolicy.operations, \.capabilities] {
            for index in self[keyPath: list]?.allowed.indices ?? 0..<0 {
                change { $0[keyPath: list]?.allowed.remove(at: index) }
            }
            for index in self[keyPath: list]?.denied.indices ?? 0..<0 {
                change { $0[keyPath: list]?.denied.remove(at: index) }
            }
        }
        return found
    }
}
