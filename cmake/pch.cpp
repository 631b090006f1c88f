// Something for pch.h to be compiled with.
