import HTTPCore
import UVLoop

/// A streamed response in its reader's hands. Dropping it ends the call; the call itself stays with its connection.
final class StreamedBody: HTTPByteSource {
    private let call: LoopBound<HTTPCall>

    init(_ call: LoopBound<HTTPCall>) {
        self.call = call
    }

    deinit {
        call.cancel()
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        let call = call
        if call.loop.inLoop, !Task.isCancelled, let ready = call.value.take() { return try ready.get() }
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                call.loop.execute { call.value.read(continuation) }
            }
        } onCancel: {
            call.cancel()
        }
        return try result.get()
    }

    func cancel() {
        call.cancel()
    }
}
