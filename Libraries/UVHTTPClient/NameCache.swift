import UVLoop

/// The addresses of names, kept for a few seconds: long enough to spare a burst of connections the look-ups, short
/// enough to follow a name that moves. Loop thread only.
///
/// `@unchecked Sendable`: confined to the loop's thread.
final class NameCache: @unchecked Sendable {
    typealias Answer = Result<[SocketAddress], ResolveError>

    private struct Key: Hashable {
        let host: String
        let port: UInt16
    }

    private struct Entry {
        let addresses: [SocketAddress]
        let expiry: UInt64
    }

    /// Names kept at most; beyond it the cache starts afresh.
    private static let capacity = 4096

    private let loop: EventLoop
    private let ttl: UInt64
    private var entries: [Key: Entry] = [:]
    private var asking: [Key: [(Answer) -> Void]] = [:]

    init(loop: EventLoop, ttl: Duration) {
        self.loop = loop
        self.ttl = ttl.milliseconds
    }

    /// - Parameter completion: called once, on the loop; at once when the answer is known.
    func resolve(_ host: String, port: UInt16, _ completion: @escaping (Answer) -> Void) {
        let key = Key(host: host, port: port)
        if let entry = entries[key] {
            if entry.expiry > loop.nowMilliseconds { return completion(.success(entry.addresses)) }
            entries[key] = nil
        }
        if asking[key] != nil {
            asking[key]?.append(completion)
            return
        }
        asking[key] = [completion]
        loop.spawn { [self] in
            let answer: Answer
            do throws(ResolveError) {
                answer = .success(try await loop.resolve(host: host, port: port, by: .clients))
            } catch {
                answer = .failure(error)
            }
            loop.execute { self.finish(key, answer) }
        }
    }

    private func finish(_ key: Key, _ answer: Answer) {
        if case .success(let addresses) = answer, ttl > 0 {
            if entries.count >= Self.capacity { entries.removeAll() }
            entries[key] = Entry(addresses: addresses, expiry: loop.nowMilliseconds + ttl)
        }
        for completion in asking.removeValue(forKey: key) ?? [] { completion(answer) }
    }
}
