// Functions that GStreamer's loaders (1.22 to 1.26) insist on finding, and that nothing here can do: sharing with OpenGL and with other
// processes, textures. Without the driver's header, since no argument matters.
#define ABSENT(name) \
  extern "C" int name() { return 801; }  // CUDA_ERROR_NOT_SUPPORTED

ABSENT(cuGLGetDevices_v2)
ABSENT(cuGraphicsGLRegisterBuffer)
ABSENT(cuGraphicsGLRegisterImage)
ABSENT(cuGraphicsMapResources)
ABSENT(cuGraphicsResourceGetMappedPointer_v2)
ABSENT(cuGraphicsResourceSetMapFlags_v2)
ABSENT(cuGraphicsSubResourceGetMappedArray)
ABSENT(cuGraphicsUnmapResources)
ABSENT(cuGraphicsUnregisterResource)
ABSENT(cuIpcCloseMemHandle)
ABSENT(cuIpcGetEventHandle)
ABSENT(cuIpcGetMemHandle)
ABSENT(cuIpcOpenEventHandle)
ABSENT(cuIpcOpenMemHandle_v2)
ABSENT(cuTexObjectCreate)
ABSENT(cuTexObjectDestroy)
