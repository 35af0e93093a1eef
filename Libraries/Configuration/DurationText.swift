extension Duration {
    /// Reads `90`, `0.5` (seconds), `500ms`, `90s`, `2m`, `1h` or `7d`.
    init?(text: String) {
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value.isFinite else { return nil }
        let scale: Double
        switch text.dropFirst(number.count) {
        case "ms": scale = 0.001
        case "", "s": scale = 1
        case "m": scale = 60
        case "h": scale = 3600
        case "d": scale = 86_400
        default: return nil
        }
        // Beyond this a Duration would overflow; no setting is that long.
        guard value * scale < 1e12 else { return nil }
        self = .milliseconds((value * scale * 1000).rounded())
    }

    /// The shortest way to write it for the environment: whole seconds, else milliseconds.
    var text: String {
        let (seconds, attoseconds) = components
        return attoseconds == 0 ? "\(seconds)" : "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }
}
