import CHiredis

/// A command whose reply has not arrived. hiredis holds it (retained once) until it calls back, which it does exactly
/// once for every command: with the reply, or with none when the connection ends. Loop thread only.
final class PendingCommand {
    typealias Completion = (Result<RedisReply, RedisError>) -> Void

    /// In the loop's milliseconds.
    let deadline: UInt64
    private unowned let connection: RedisConnection
    private var completion: Completion?

    init(deadline: UInt64, connection: RedisConnection, completion: @escaping Completion) {
        self.deadline = deadline
        self.connection = connection
        self.completion = completion
    }

    /// The caller no longer waits, though the reply may still arrive.
    var isFinished: Bool { completion == nil }

    /// Completes the command, once.
    func finish(_ result: Result<RedisReply, RedisError>) {
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }

    /// For `redisAsyncFormattedCommand`.
    static let callback:
        @convention(c) (
            UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
        ) -> Void = { context, reply, data in
            guard let data else { return }
            let command = Unmanaged<PendingCommand>.fromOpaque(data).takeRetainedValue()
            // The connection outlives its context.
            let connection = command.connection
            if let reply {
                let copied = RedisReply(reply.assumingMemoryBound(to: redisReply.self))
                connection.didReceiveReply(command)
                command.finish(.success(copied))
            } else {
                let text = context?.pointee.errstr.map { String(cString: $0) } ?? ""
                connection.didReceiveReply(command)
                command.finish(.failure(RedisError(.connectionLost, text.isEmpty ? "closed" : text)))
            }
        }
}

extension RedisReply {
    /// Copies a reply out of hiredis's memory. The reader refuses nesting deeper than 7.
    init(_ reply: UnsafeMutablePointer<redisReply>) {
        let value = reply.pointee
        let text = UnsafeRawBufferPointer(start: value.str, count: value.str == nil ? 0 : value.len)
        switch value.type {
        case REDIS_REPLY_INTEGER: self = .integer(Int64(value.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .string([UInt8](text))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: text, as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: value.element, count: value.elements)
            self = .array(elements.map { element in element.map { RedisReply($0) } ?? .null })
        default: self = .null
        }
    }
}
