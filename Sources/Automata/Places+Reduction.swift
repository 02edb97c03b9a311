extension Places {
    /// Makes an ascending list of `list`, each place once, without what adds nothing: what runs cover, and
    /// what the claims leave nothing to say.
    func reduce(_ list: inout [UInt32]) {
        guard list.count > 1 else { return }
        list.sort()
        list.removeRepeated()
        removeCovered(from: &list)
        removeIdle(from: &list)
    }

    private func removeCovered(from list: inout [UInt32]) {
        var covered = UInt32.max
        var write = list.count
        for read in list.indices.reversed() {
            let place = list[read]
            let isCovered = place >= covered
            if isRun[Int(place)] { covered = min(covered, covers[Int(place)]) }
            if isCovered { continue }
            write -= 1
            list[write] = place
        }
        list.removeSubrange(..<write)
    }

    private func removeIdle(from list: inout [UInt32]) {
        guard let claims, list.contains(where: { isSettling[Int($0)] }) else { return }
        var settled = SettledFacets()
        for place in list where isSettling[Int(place)] {
            for claim in settledClaims[Int(place)] { settled.insert(claim, at: place) }
        }
        list.removeAll { settled.isIdle($0, claims[Int($0)]) }
    }
}

extension [UInt32] {
    /// Removes from an ascending list what is there twice.
    mutating func removeRepeated() {
        guard count > 1 else { return }
        var kept = 1
        for index in 1..<count where self[index] != self[kept - 1] {
            self[kept] = self[index]
            kept += 1
        }
        removeSubrange(kept...)
    }
}
