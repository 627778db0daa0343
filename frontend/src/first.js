// The parser waits for this after the first row of a page. A browser asks for it as soon as the first bytes are there,
// and meanwhile has nothing better to do than to paint: the head, the filters and the first row, before it lays out the charts below.
performance.mark("first-row");
