internal import CLinux
private import Glibc
public import Policy

/// Serves clients of the socket, none of which it ever waits for.
///
/// The owner's loop watches `descriptor`, calls `turn` when it is ready and once a second, and answers one call after
/// another, with what else it does in between.
public struct ControlServer: ~Copyable {
    /// The most clients at once. One more takes the place of one of the process, and first of the user, that has most of
    /// them: who opens many gets in his own way. Of those that which has been silent for longest.
    static let clientLimit = 64
    /// How long a client may take to say what it wants, and to read what it is told, in milliseconds.
    static let patience: UInt64 = 10_000
    /// The most bytes of answers that wait to be read.
    static let pendingLimit = 16 << 20

    // In the order in which they end: connections before the set that watches them.
    private var connections: [CInt: ControlConnection] = [:]
    private let epoll: ControlDescriptor
    private let socket: ControlSocket
    private let service: ControlService
    private var turns: UInt64 = 0
    /// Clients that are told things as they come, by their numbers.
    private var streams: [UInt64: CInt] = [:]
    private var lastStream: UInt64 = 0
    private var ended: [UInt64] = []

    /// A call that the agent is to answer.
    public struct Call: Sendable {
        public let request: ControlRequest
        public let peer: ControlPeer
        fileprivate let client: CInt
        fileprivate let call: VarlinkCall
    }

    public init(_ socket: consuming ControlSocket, _ service: ControlService) throws(ControlError) {
        let made = swguard_epoll_create()
        let epoll = try ControlDescriptor(made < 0 ? -errno : made, "wait for clients")
        let watched = swguard_epoll_watch(
            epoll.number, socket.descriptor.number, SWGUARD_INTEREST_READ)
        guard watched == 0 else { throw ControlError(operation: "wait for clients", code: -watched) }
        self.epoll = epoll
        self.socket = socket
        self.service = service
    }

    /// Becomes readable when there is something to do, for the owner's own epoll(7).
    public var descriptor: CInt { epoll.number }

    /// A clock for `now`.
    public static var now: UInt64 { swguard_monotonic_milliseconds() }

    var clientCount: Int { connections.count - streams.count }

    /// Whether `nextCall` may have something, though `descriptor` is silent.
    public var hasCalls: Bool { connections.values.contains { $0.hasCall } }

    /// Accepts, reads and writes what goes without waiting, and closes who took too long.
    public mutating func turn(now: UInt64) {
        for (number, connection) in connections where connection.deadline <= now { close(number) }
        var ready = [swguard_ready](repeating: swguard_ready(), count: 16)
        let count = unsafe swguard_epoll_poll(epoll.number, &ready, CInt(ready.count))
        var isAccepting = false
        for event in ready.prefix(max(0, Int(count))) {
            if event.descriptor == socket.descriptor.number {
                isAccepting = true
                continue
            }
            guard let connection = connections[event.descriptor] else { continue }
            var isAlive = true
            if event.interest.rawValue & SWGUARD_INTEREST_READ.rawValue != 0 {
                isAlive = connection.receive()
            }
            if isAlive { isAlive = connection.flush(deadline: now + Self.patience) }
            if connection.hasHungUp, let stream = connection.stream { leave(stream) }
            // Gone in both directions: nobody reads an answer.
            if event.is_gone != 0 { isAlive = false }
            settle(event.descriptor, connection, isAlive)
        }
        // Last: a new connection can have the number of one that makes room for it, of which the events above may tell.
        if isAccepting { accept(now: now) }
    }

    /// Clients were not looked at for so many milliseconds, which is not what they took their time for.
    public func excuse(_ milliseconds: UInt64) {
        for connection in connections.values { connection.extend(by: milliseconds) }
    }

    /// How many connections are accepted in one turn.
    private static let acceptedAtOnce = 64

    private mutating func accept(now: UInt64) {
        for _ in 0..<Self.acceptedAtOnce {
            let accepted = swguard_control_accept(socket.descriptor.number)
            // EMFILE and the like: the connection waits for better times.
            guard let descriptor = try? ControlDescriptor(accepted, "accept"),
                let peer = try? descriptor.peer()
            else { return }
            if clientCount >= Self.clientLimit { closeOldest() }
            let connection = ControlConnection(descriptor, peer: peer, deadline: now + Self.patience)
            guard swguard_epoll_watch(epoll.number, accepted, connection.interest) == 0 else { return }
            connections[accepted] = connection
        }
    }

    private mutating func closeOldest() {
        var users: [UInt32: Int] = [:]
        var processes: [Int32: Int] = [:]
        let asking = connections.filter { $0.value.stream == nil }
        for connection in asking.values {
            users[connection.peer.uid, default: 0] += 1
            processes[connection.peer.pid, default: 0] += 1
        }
        func isBefore(_ one: ControlConnection, _ other: ControlConnection) -> Bool {
            let (left, right) = (one.peer, other.peer)
            if users[left.uid] != users[right.uid] {
                return users[left.uid, default: 0] > users[right.uid, default: 0]
            }
            if processes[left.pid] != processes[right.pid] {
                return processes[left.pid, default: 0] > processes[right.pid, default: 0]
            }
            return one.deadline < other.deadline
        }
        if let victim = asking.min(by: { isBefore($0.value, $1.value) }) { close(victim.key) }
    }

    // Closing the descriptor, which nobody else has, takes it out of the set.
    private mutating func close(_ number: CInt) {
        if let stream = connections[number]?.stream { leave(stream) }
        connections[number] = nil
    }

    private mutating func leave(_ stream: UInt64) {
        if streams[stream] != nil, !ended.contains(stream) { ended.append(stream) }
    }

    /// Has the set wait for what the connection needs now.
    private mutating func settle(_ number: CInt, _ connection: ControlConnection, _ isAlive: Bool) {
        guard isAlive else { return close(number) }
        let wanted = connection.wanted
        if wanted == connection.interest { return }
        guard swguard_epoll_change(epoll.number, number, wanted) == 0 else { return close(number) }
        connection.interest = wanted
    }

    /// How many calls are answered in one turn of those that the agent need not be asked about.
    private static let answeredAtOnce = 16

    /// The next call that the agent has to answer; what it need not be asked is answered here.
    ///
    /// The client comes first whose last answer is longest ago. nil: there is none, or enough was done for one turn.
    public mutating func nextCall(now: UInt64) -> Call? {
        for _ in 0..<Self.answeredAtOnce {
            let waiting = connections.filter { $0.value.hasCall }
            guard let (number, connection) = waiting.min(by: { $0.value.turn < $1.value.turn }),
                let message = connection.nextCall()
            else { return nil }
            turns += 1
            connection.turn = turns
            // What is no call has no answer in the protocol.
            guard let call = VarlinkCall(message: message) else {
                close(number)
                continue
            }
            switch service.step(call, from: connection.peer) {
            case .replies(let replies): send(replies, to: number, call, now: now)
            case .ask(let request):
                return Call(request: request, peer: connection.peer, client: number, call: call)
            }
        }
        return nil
    }

    /// Answers a call; whoever is gone by now is not missed.
    public mutating func answer(_ call: Call, _ answer: ControlAnswer, now: UInt64) {
        send(ControlService.replies(answer, more: call.call.more), to: call.client, call.call, now: now)
    }

    // MARK: Clients that stay

    /// How many bytes may wait for a client that is told things as they come.
    private static let streamLimit = 1 << 18

    /// Has the client stay when its call is answered, to be told things as they come; nil: it is gone.
    public mutating func follow(_ call: Call) -> UInt64? {
        guard let connection = connections[call.client], !call.call.oneway else { return nil }
        lastStream += 1
        connection.follow(lastStream)
        streams[lastStream] = call.client
        return lastStream
    }

    /// Tells a client more. False: it has not read what it was told before.
    public mutating func tell(_ stream: UInt64, _ parameters: JSON) -> Bool {
        guard let number = streams[stream], let connection = connections[number] else { return true }
        let message = VarlinkReply(parameters, continues: true).message
        guard connection.pending + message.count < Self.streamLimit else { return false }
        connection.send(message, deadline: .max)
        settle(number, connection, connection.flush(deadline: .max))
        return true
    }

    /// The next client that has hung up; it may be there still, to be told the last.
    public mutating func nextEnded() -> UInt64? { ended.isEmpty ? nil : ended.removeFirst() }

    /// Tells a client the last.
    public mutating func finish(_ stream: UInt64, _ parameters: JSON, now: UInt64) {
        guard let number = streams.removeValue(forKey: stream), let connection = connections[number],
            connection.stream == stream
        else { return }
        connection.finish(VarlinkReply(parameters).message, deadline: now + Self.patience)
        settle(number, connection, connection.flush(deadline: now + Self.patience))
    }

    private mutating func send(
        _ replies: [VarlinkReply], to number: CInt, _ call: VarlinkCall, now: UInt64
    ) {
        guard let connection = connections[number] else { return }
        if !call.oneway {
            var messages = replies.map(\.message)
            let waiting = connections.values.reduce(0) { $0 + $1.pending }
            if waiting + messages.reduce(0, { $0 + $1.count }) > Self.pendingLimit {
                messages = [VarlinkReply(.busy).message]
            }
            for message in messages { connection.send(message, deadline: now + Self.patience) }
        }
        settle(number, connection, connection.flush(deadline: now + Self.patience))
    }
}
