internal import Synchronization

/// Lines that were given to the log and are not where they are to be yet, with what is to be added to the accounts then.
///
/// The log's own thread settles them.
final class UnsettledLines: Sendable {
    /// Where a line is on its way.
    struct Place {
        /// Its number.
        var line: UInt64
        /// The log's last step when it had been given to the log: it is in the log when that is done.
        var step: UInt64
    }

    private struct Entry {
        var place: Place
        var slot: Int
        var amounts: [Accounts.Field: Int]
    }

    private struct State {
        /// In the order of their lines; those before `first` are settled.
        var entries: [Entry] = []
        var first = 0
        /// The last step that is done.
        var done: UInt64 = 0
        var sums: [Int: [Accounts.Field: Int]] = [:]
    }

    private let accounts: Accounts
    private let state = Mutex(State())

    init(_ accounts: Accounts) { self.accounts = accounts }

    /// Adds `amounts` to the accounts when the line is in the log.
    func add(_ slot: Int, _ amounts: [Accounts.Field: Int], _ place: Place) {
        state.withLock { state in
            if place.step <= state.done { return accounts.add(amounts, to: slot, line: place.line) }
            state.entries.append(Entry(place: place, slot: slot, amounts: amounts))
            for (field, amount) in amounts { state.sums[slot, default: [:]][field, default: 0] += amount }
        }
    }

    /// The log has done all steps up to this one.
    func settle(upTo step: UInt64) {
        state.withLock { state in
            state.done = max(state.done, step)
            while state.first < state.entries.count, state.entries[state.first].place.step <= step {
                // Those of one slot that follow each other are one change; others are not told of before these.
                var next = state.entries[state.first]
                state.first += 1
                while state.first < state.entries.count, state.entries[state.first].slot == next.slot,
                    state.entries[state.first].place.step <= step
                {
                    next.place = state.entries[state.first].place
                    next.amounts.merge(state.entries[state.first].amounts, uniquingKeysWith: +)
                    state.first += 1
                }
                accounts.add(next.amounts, to: next.slot, line: next.place.line)
                for (field, amount) in next.amounts {
                    state.sums[next.slot, default: [:]][field, default: 0] -= amount
                }
            }
            if state.first == state.entries.count || state.first > 1024 {
                state.entries.removeFirst(state.first)
                state.first = 0
            }
        }
    }

    /// A slot becomes another policy's: all that is known of it is added to another's.
    func move(from slot: Int, to other: Int) {
        state.withLock { state in
            for index in state.entries.indices where state.entries[index].slot == slot {
                state.entries[index].slot = other
            }
            for (field, amount) in state.sums.removeValue(forKey: slot) ?? [:] {
                state.sums[other, default: [:]][field, default: 0] += amount
            }
            accounts.move(from: slot, to: other)
        }
    }

    /// What is in the accounts, and what is not yet: no line is settled between the two looks.
    func total(_ slot: Int, _ field: Accounts.Field) -> Int {
        state.withLock { accounts[slot, field] + ($0.sums[slot]?[field] ?? 0) }
    }
}
