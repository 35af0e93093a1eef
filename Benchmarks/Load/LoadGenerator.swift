import UVLoop

/// Requests over connections, each of which waits for a response before it sends the next request: at once, or at a
/// given pace.
struct LoadGenerator: Sendable {
    private let options: Options
    private let address: SocketAddress
    private let requests: [[UInt8]]

    /// - Throws: `Options.Invalid`, or what reading the file threw.
    init(_ options: Options) throws {
        self.options = options
        address = try options.address
        requests = try RequestFile.read(options.requestFile)
    }

    func run() async -> Report {
        let group = EventLoopGroup(count: options.threads)
        let start = nanoseconds() + UInt64(options.warmup * 1e9)
        let window = LoadWorker.Window(start: start, end: start + UInt64(options.seconds * 1e9))
        let pace = options.rate > 0 ? UInt64(Double(options.connections) / options.rate * 1e9) : 0
        var tally = Tally()
        await withTaskGroup(of: Tally.self) { tasks in
            for (index, loop) in group.loops.enumerated() {
                let count = (options.connections + options.threads - 1 - index) / options.threads
                let lane = LoadWorker(
                    loop: loop, address: address, requests: requests, first: index, stride: options.threads,
                    window: window, expected: options.expected, pace: pace)
                tasks.addTask {
                    await withUnsafeContinuation { continuation in
                        loop.execute { lane.start(connections: count) { continuation.resume(returning: $0) } }
                    }
                }
            }
            for await part in tasks { tally.add(part) }
        }
        return Report(tally, seconds: options.seconds)
    }
}
