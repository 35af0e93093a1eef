import HTTPCore
import Synchronization

/// A coded body, decoded while it is read: few bytes that stand for very many never become so many at once.
final class DecodedBody: HTTPByteSource {
    private let inflater: Mutex<Inflater>
    /// `nil` when the inflater has everything already.
    private let source: (any HTTPByteSource)?

    init(_ body: HTTPBody, _ coding: ContentCoding) {
        let inflater = Inflater(coding)
        switch body {
        case .empty: source = nil
        case .bytes(let bytes):
            source = nil
            inflater.add(bytes)
        case .stream(let coded): source = coded
        }
        self.inflater = Mutex(inflater)
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        do throws(HTTPBodyError) {
            while true {
                let piece = try inflater.withLock { inflater throws(HTTPBodyError) in try inflater.next() }
                if let piece { return piece }
                guard let chunk = try await source?.next() else {
                    try inflater.withLock { inflater throws(HTTPBodyError) in try inflater.end() }
                    return nil
                }
                inflater.withLock { $0.add(chunk) }
            }
        } catch {
            // What still comes is of no use.
            source?.cancel()
            throw error
        }
    }

    func cancel() {
        source?.cancel()
    }
}
