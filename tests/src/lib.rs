//! Machine scenarios and end-to-end runs on the local AWS
