#pragma once
/* What <ares.h> includes of the C library then belongs to the module that has it already, so that a file that imports that one
   need not import this one too. */
#pragma clang module import CLibCurl
#include <ares.h>
