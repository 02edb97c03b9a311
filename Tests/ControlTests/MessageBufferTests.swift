import Testing

@testable import Control

@Suite struct MessageBufferTests {
    @Test(arguments: 1...9)
    func `messages are the same however the stream is cut`(_ size: Int) {
        var buffer = MessageBuffer(limit: 100)
        var messages: [[UInt8]] = []
        let stream = Array("one\0\0three\0fo".utf8)
        for first in stride(from: 0, to: stream.count, by: size) {
            buffer.append(stream[first..<min(first + size, stream.count)])
            while let message = buffer.next() { messages.append(message) }
        }
        #expect(messages == [Array("one".utf8), [], Array("three".utf8)])
        #expect(!buffer.hasMessage && !buffer.isEmpty)
    }

    @Test func `a message of the limit is taken, and one byte more is not`() {
        var buffer = MessageBuffer(limit: 4)
        buffer.append([1, 2, 3, 4])
        #expect(!buffer.isOverlong && buffer.room == 1)
        buffer.append([0])
        #expect(buffer.next() == [1, 2, 3, 4])
        buffer.append([1, 2, 3, 4, 5])
        #expect(buffer.isOverlong && buffer.room == 0)
    }
}
