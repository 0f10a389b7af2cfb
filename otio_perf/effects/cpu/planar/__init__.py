"""Opaque pictures as they are stored, Y'CbCr in planes: what is linear is done to the planes themselves.

R'G'B' and Y'CbCr are affine maps of each other, so a weighted sum of pictures, and whatever is done to all three channels
alike, is the same in both; of samples that are subsampled there is a quarter. Nothing is rounded before the end: a plane is
what was decoded, or floats, and what its numbers are worth is carried along (``gains``, ``offsets``). A picture that nothing is
done to comes out as it went in, bit by bit.

**What equals the R'G'B' path, and how far.** Y' always, within the rounding of the file, until something that is not linear
follows on chroma that is not the same. Cb and Cr as long as their samples stay where they are (fades, mixes, layers, colours):
there the R'G'B' path interpolates them to full size and averages them again, which costs it their finest detail, and ours keeps
it; brought to full size, both are the same picture. Where samples are made anew (blur, size) the interpolation, the work and
the averaging of the R'G'B' path are one sum of neighbours here, with the same weights; at the outermost samples it may differ,
where R'G'B' has other neighbours beyond the edge. Sharpening is that sum without the interpolation and the averaging. The
figures are in ``tolerance``.
"""
