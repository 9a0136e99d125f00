// Package pth reads the tensors of PyTorch's weights files (.pth, .pth.tar), of both encodings: the older one, a chain of
// pickles followed by raw storages, and the ZIP archive that PyTorch writes since 1.6, which this package also writes.
//
// A pickle is a program for a stack machine. The machine here knows the few opcodes that torch.save writes for tensors in
// dictionaries, calls nothing, builds nothing but plain values, and takes no length from the file without comparing it
// with the bytes that are there.
package pth
