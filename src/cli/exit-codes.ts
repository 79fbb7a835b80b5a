/** Everything was done. */
export const EXIT_DONE = 0;
/** Nothing could run: wrong options, no images, no usable VAE. */
export const EXIT_NOTHING = 1;
/** Some images failed, or the run stopped early. */
export const EXIT_PARTIAL = 2;
/** `verify`, `doctor`: problems were found. */
export const EXIT_PROBLEMS = 2;
/** `verify --repair`: problems were found, and all of their files removed. */
export const EXIT_REPAIRED = 3;
/** `doctor`: an NVIDIA card is there, or its libraries get in the way, and it will not be used. */
export const EXIT_NO_GPU = 3;
/** `doctor`: nothing here can encode. */
export const EXIT_NO_BACKEND = 4;
/** `selftest`: nothing failed, but the device was simulated. */
export const EXIT_SIMULATED = 3;
/** Ended by Ctrl-C, as shells report SIGINT. */
export const EXIT_INTERRUPTED = 130;
