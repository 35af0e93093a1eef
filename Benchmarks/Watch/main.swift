import Foundation

/// Writes a line unbuffered, even if standard output is a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

do {
    let options = try WatchOptions(CommandLine.arguments.dropFirst())
    let source: any EventSource =
        switch options.mode {
        case .sse, .websocket: try await BrokerSource(options)
        case .nchanSSE, .nchanWebSocket: try PostSource(options)
        case .nats: try NATSSource(options)
        }
    let viewers = try Viewers(options)
    say("{\"viewers\":\(options.viewers)}")
    while let line = readLine() {
        let words = line.split(separator: " ")
        guard words.count == 4, words[0] == "burst", let events = Int(words[1]), let gap = UInt64(words[2]),
            let repeats = Int(words[3]), events > 0, repeats > 0
        else { throw WatchOptions.Invalid(description: WatchOptions.usage) }
        say(try viewers.burst(events, gap: gap * 1000, repeats: repeats, from: source))
    }
} catch {
    FileHandle.standardError.write(Data("watch: \(error)\n".utf8))
    exit(1)
}
