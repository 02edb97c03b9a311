internal import CLinux

/// One client: what it sent and is not answered yet, and what it has not read yet. Its end closes the connection.
final class ControlConnection {
    let descriptor: ControlDescriptor
    let peer: ControlPeer
    private var input = MessageBuffer(limit: ControlService.messageLimit)
    private var output: [UInt8] = []
    private var written = 0
    /// The other end writes no more.
    private var isAtEnd = false
    /// When it is closed if nothing has come of it by then, in milliseconds of the server's clock.
    private(set) var deadline: UInt64
    /// When it was last answered: who waits for longest comes first.
    var turn: UInt64 = 0
    /// What it is followed by: the client has got its answer, and is told more until it hangs up.
    private(set) var stream: UInt64?
    /// It is told nothing more.
    private var isFinished = false
    /// What the epoll set waits for.
    var interest = SWGUARD_INTEREST_READ

    init(_ descriptor: consuming ControlDescriptor, peer: ControlPeer, deadline: UInt64) {
        self.descriptor = descriptor
        self.peer = peer
        self.deadline = deadline
    }

    /// Bytes that wait to be read by the client.
    var pending: Int { output.count - written }

    /// Whether there is a call to be answered now: the answer before is read.
    var hasCall: Bool { pending == 0 && input.hasMessage }

    /// Whether nothing more will come of it.
    var isDone: Bool {
        pending == 0 && (stream == nil ? isAtEnd && !input.hasMessage : isFinished)
    }

    /// Whether a client that was told more has hung up.
    var hasHungUp: Bool { stream != nil && isAtEnd }

    /// What is to be waited for: a client that does not read is not read from.
    var wanted: swguard_interest {
        if pending > 0 { return SWGUARD_INTEREST_WRITE }
        return input.hasMessage || isAtEnd ? SWGUARD_INTEREST_NONE : SWGUARD_INTEREST_READ
    }

    func nextCall() -> [UInt8]? { pending == 0 ? input.next() : nil }

    /// Has it wait for longer: it was not looked at for so many milliseconds.
    func extend(by milliseconds: UInt64) {
        if stream == nil || isFinished { deadline += milliseconds }
    }

    /// From here on it is told things as they come, for as long as it likes.
    func follow(_ number: UInt64) {
        stream = number
        deadline = .max
    }

    /// Ends that with a last message.
    func finish(_ message: [UInt8], deadline: UInt64) {
        isFinished = true
        send(message, deadline: deadline)
    }

    /// How much is read at once, so that one client does not keep others waiting.
    private static let readSize = 1 << 16

    /// Takes what came. False: it is to be closed.
    func receive() -> Bool {
        guard !isAtEnd, !input.hasMessage else { return true }
        if stream != nil { return listen() }
        do throws(ControlError) {
            guard let bytes = try descriptor.read(min(Self.readSize, max(1, input.room))) else { return true }
            if bytes.isEmpty {
                isAtEnd = true
                // Half a message is none.
                return !isDone
            }
            input.append(bytes)
            return !input.isOverlong
        } catch {
            return false
        }
    }

    /// Of a client that is told things as they come: it may only hang up.
    private func listen() -> Bool {
        guard let bytes = try? descriptor.read(1) else { return true }
        isAtEnd = true
        return bytes.isEmpty
    }

    /// Adds a message, to be read by then.
    func send(_ message: [UInt8], deadline: UInt64) {
        output += message
        output.append(0)
        if stream == nil || isFinished { self.deadline = deadline }
    }

    /// Writes what goes. False: it is to be closed.
    func flush(deadline: UInt64) -> Bool {
        guard pending > 0 else { return true }
        do throws(ControlError) {
            written += try descriptor.write(output[written...])
        } catch {
            return false
        }
        if pending == 0 {
            output = []
            written = 0
            if stream == nil || isFinished { self.deadline = deadline }
        }
        return !isDone
    }
}
