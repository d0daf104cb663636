#include "app/cli.h"

int main(int argc, char** argv) {
    return gladius::app::run_cli(argc, argv);
}
