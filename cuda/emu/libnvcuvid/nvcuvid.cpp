// A libnvcuvid.so.1 that decodes nothing: with it and libcuda.so.1, GStreamer's nvcodec plugin registers cudaupload and cudadownload.
#define REFUSE(name) \
  extern "C" int name() { return 801; }  // CUDA_ERROR_NOT_SUPPORTED

REFUSE(cuvidCreateDecoder)
REFUSE(cuvidCreateVideoParser)
REFUSE(cuvidCtxLock)
REFUSE(cuvidCtxLockCreate)
REFUSE(cuvidCtxLockDestroy)
REFUSE(cuvidCtxUnlock)
REFUSE(cuvidDecodePicture)
REFUSE(cuvidDestroyDecoder)
REFUSE(cuvidDestroyVideoParser)
REFUSE(cuvidGetDecoderCaps)
REFUSE(cuvidMapVideoFrame64)
REFUSE(cuvidParseVideoData)
REFUSE(cuvidReconfigureDecoder)
REFUSE(cuvidUnmapVideoFrame64)
