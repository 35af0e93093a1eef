import Contracts
import JSONBytes

extension RawJSON {
    /// Bytes that should be JSON: as they are when they are, else as one string with U+FFFD for what is no UTF-8.
    package init(asJSON bytes: [UInt8]) {
        if (try? JSONScanner.validate(bytes)) != nil {
            self.init(unchecked: bytes)
        } else {
            self.init(stringOf: bytes)
        }
    }

    /// Any bytes as one string.
    package init(stringOf bytes: [UInt8]) {
        var writer = JSONWriter(reservingCapacity: bytes.count + 16)
        writer.string(utf8: bytes)
        self.init(unchecked: writer.bytes)
    }
}
