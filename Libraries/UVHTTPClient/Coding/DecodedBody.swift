import HTTPCore

/// A coded body, decoded while it is read: few bytes that stand for very many never become so many at once.
///
/// `@unchecked Sendable`: a body has one reader at a time, who alone touches the inflater.
final class DecodedBody: HTTPByteSource, @unchecked Sendable {
    private let inflater: Inflater
    /// `nil` when the inflater has everything already.
    private let source: (any HTTPByteSource)?

    init(_ body: HTTPBody, _ inflater: Inflater) {
        self.inflater = inflater
        switch body {
        case .empty: source = nil
        case .bytes(let bytes):
            source = nil
            inflater.add(bytes)
        case .stream(let coded): source = coded
        }
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        do throws(HTTPBodyError) {
            while true {
                if let piece = try inflater.next() { return piece }
                guard let chunk = try await source?.next() else {
                    try inflater.end()
                    return nil
                }
                inflater.add(chunk)
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
