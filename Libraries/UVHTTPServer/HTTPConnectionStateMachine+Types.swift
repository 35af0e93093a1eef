extension HTTPConnectionStateMachine {
    /// What is to be done after an event, in the order in which it is declared. The last group calls code that may come
    /// back with another event, and so an event asks for at most one of it.
    struct Actions: OptionSet, Sendable {
        let rawValue: UInt32

        // The request's body, where its handler reads it while it arrives.
        static let finishBody = Actions(rawValue: 1 << 0)
        /// The peer ended within the body, or broke its framing.
        static let truncateBody = Actions(rawValue: 1 << 1)
        static let timeOutBody = Actions(rawValue: 1 << 2)
        /// The response is complete: the body is read no further.
        static let cancelBody = Actions(rawValue: 1 << 3)

        /// Keep what the parser's loop left of a read.
        static let keepRest = Actions(rawValue: 1 << 4)
        static let dropKeptInput = Actions(rawValue: 1 << 5)
        /// The exchange is over.
        static let forgetRequest = Actions(rawValue: 1 << 6)
        /// Collect `100 Continue`.
        static let sendContinue = Actions(rawValue: 1 << 7)
        /// Hand the collected output to the stream, then call `flushed` and perform what it asks for as well.
        static let flush = Actions(rawValue: 1 << 8)
        /// Call `scheduledFlushDue` in the next round of the loop.
        static let scheduleFlush = Actions(rawValue: 1 << 9)
        static let shutdownWrite = Actions(rawValue: 1 << 10)
        static let pauseReading = Actions(rawValue: 1 << 11)
        static let resumeReading = Actions(rawValue: 1 << 12)
        /// Set or clear the timer as `timer` says.
        static let updateTimer = Actions(rawValue: 1 << 13)
        /// Call `resumeInput` in the next round of the loop.
        static let postKeptInput = Actions(rawValue: 1 << 14)

        static let close = Actions(rawValue: 1 << 16)
        /// Write the response that the request has without a handler.
        static let respond = Actions(rawValue: 1 << 17)
        static let refuseMalformed = Actions(rawValue: 1 << 18)
        static let refuseTimedOut = Actions(rawValue: 1 << 19)
        /// Start the handler with the whole body.
        static let startHandler = Actions(rawValue: 1 << 20)
        /// Start the handler with a body that is still arriving.
        static let startStreamedHandler = Actions(rawValue: 1 << 21)
        /// Call `keptInputTaken`, parse the kept input and call `keptInputParsed`.
        static let parseKeptInput = Actions(rawValue: 1 << 22)
        static let notifyShutdown = Actions(rawValue: 1 << 23)
        static let upgrade = Actions(rawValue: 1 << 24)

        /// Those that end the body which the handler reads.
        static let endsOfBody: Actions = [.finishBody, .truncateBody, .timeOutBody, .cancelBody]
        /// Those that may come back with another event.
        static let callbacks = Actions(rawValue: ~0 << 16)
    }

    /// Sizes in bytes that a server's configuration decides.
    struct Limits: Sendable {
        /// Of a body that is read before the handler starts.
        var bufferedBodyBytes: Int
        /// Of a body that is read past to keep the connection.
        var drainedBodyBytes: Int
        /// Of a body that must come in a body time-out.
        var bodyProgressBytes: Int
    }

    /// What of a request's head, and of its route, the connection depends on.
    struct RequestHead {
        var isHEAD = false
        var isHTTP10 = false
        var keepAlive = true
        /// The client waits for `100 Continue` before it sends the body.
        var expectsContinue = false
        /// The route's handler reads the body while it arrives.
        var streamsBody = false
        var contentLength: UInt64?
        var maxBodyBytes = 0
        /// The response is known already, without a handler.
        var hasResponse = false
        /// What follows the head cannot be trusted to be a request.
        var mustClose = false

        /// The handler has to start before the body has come.
        var wantsStream: Bool { expectsContinue || streamsBody }
    }

    /// The request in progress.
    struct RequestState {
        var head = RequestHead()
        /// Its response is known without a handler: a refusal, a preflight, an unknown path.
        var hasResponse = false
        /// The connection must not be used again.
        var mustClose = false
        /// The client still waits for `100 Continue`.
        var awaitsContinue = false
        /// Its handler reads the body while it arrives.
        var isStreamed = false
        /// It was read to its end.
        var isComplete = false
        var bodyBytes = 0
        /// Bytes of the body that came after the response was complete.
        var skippedBytes = 0

        init() {}

        init(_ head: RequestHead) {
            self.head = head
            hasResponse = head.hasResponse
            mustClose = head.mustClose
            awaitsContinue = head.expectsContinue
        }
    }

    /// What to do with bytes from the peer.
    enum Input {
        case parse
        /// Append them to the kept input, then perform.
        case keep(Actions)
        case ignore
    }

    /// What to do with a piece of a body.
    enum BodyPiece {
        case buffer
        /// Give it to the handler's body source.
        case push
        case discard
        /// Drop the body and make the response that it is too long.
        case refuseTooLarge
        /// Tell the handler that it is too long, and pause reading.
        case failTooLarge
    }

    /// How a streamed response begins.
    enum StreamStart {
        enum Framing {
            case length, chunked
            /// The body ends with the connection.
            case untilClose
        }

        /// - Parameter hasBody: without one the response ends with its head.
        case write(Framing, hasBody: Bool)
        /// The client has gone.
        case abandon(Actions)
    }
}
