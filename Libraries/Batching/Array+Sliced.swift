extension Array {
    /// The array in pieces whose weights stay below a limit; a piece has one element at least. A batch is bounded in
    /// number by its ``Batcher``; what one statement or message carries is bounded in bytes by this.
    @inlinable
    package func sliced(by weight: (Element) -> Int, upTo limit: Int) -> [ArraySlice<Element>] {
        var slices: [ArraySlice<Element>] = []
        var start = 0
        var total = 0
        for (index, element) in enumerated() {
            let added = weight(element)
            if total + added > limit, index > start {
                slices.append(self[start..<index])
                start = index
                total = 0
            }
            total += added
        }
        if start < count { slices.append(self[start...]) }
        return slices
    }
}
