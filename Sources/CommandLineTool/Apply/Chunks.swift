extension Array {
    /// In pieces of at most so many elements, in order.
    ///
    /// - Parameter isAlone: elements that are pieces by themselves.
    func chunks(of size: Int, alone isAlone: (Element) -> Bool = { _ in false }) -> [ArraySlice<Element>] {
        var chunks: [ArraySlice<Element>] = []
        var start = startIndex
        for index in indices.dropFirst()
        where index - start == size || isAlone(self[index]) || isAlone(self[index - 1]) {
            chunks.append(self[start..<index])
            start = index
        }
        if start < endIndex { chunks.append(self[start...]) }
        return chunks
    }
}
